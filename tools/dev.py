#!/usr/bin/env python3
"""One command for everything in this repository: `python3 tools/dev.py WHAT [more arguments]`.

  demo      run a neighbourhood on real data           (the arguments of `volthood demo`)
  test      run the tests, a time per stage            (the arguments of pytest; a path runs just that)
  lint      ruff, mypy twice, the import contracts
  bench     run a benchmark area                       (the arguments of `volthood-bench`)
  vectors   check the golden bytes and their makers    (the arguments of pytest)
  fuzz      the property tests with many more examples (the arguments of pytest)

On a fresh clone it first makes `.venv` and installs what tools/constraints.txt pins; nothing else on the machine
changes. Only the standard library is used here, since this file runs before anything is installed.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - this line is for those who have an older one
    sys.exit(
        "volthood needs Python 3.11 or newer; this is Python %d.%d (%s).\n"
        "Debian 12 and 13 and Raspberry Pi OS have it: sudo apt install python3 python3-venv\n"
        "If a newer one is installed beside this one, say for example: python3.12 tools/dev.py ..."
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "volthood-stamp.json"
TYPINGS = VENV / "typings"
PINS = ROOT / "tools" / "constraints.txt"
UNIT_BUDGET_S = 60
STAGES = (
    "tests/unit",
    "tests/contract",
    "tests/firmware",
    "tests/scenario",
    "tests/integration",
    "tests/repo",
    "hil_tests",
)
SYSTEM_PROGRAMS = {
    "mosquitto": "mosquitto",
    "mosquitto_sub": "mosquitto-clients",
    "mbpoll": "mbpoll",
    "chromium": "chromium",
}
"""Programs that tests drive, and the Debian package that brings each. CI must have them all."""
STUBS = ("micropython-esp32-stubs", "micropython-stdlib-stubs")
DEV_HEADING = "# --- dev: tests and linters, not installed for `demo` ---"
TTY = sys.stderr.isatty()


class SetupError(Exception):
    """Set-up cannot go on. The text says why and what to do."""


# --- the environment --------------------------------------------------------------------------------------------------


def digest(*parts: bytes) -> str:
    """A short fingerprint of what an environment was made from."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


def wanted_stamp(group: str) -> dict[str, str]:
    """What `.venv` must have been made from to be used as it is."""
    return {
        "python": digest(sys.version.encode(), os.path.realpath(sys.base_prefix).encode(), str(ROOT).encode()),
        "pins": digest(PINS.read_bytes()),
        "project": digest((ROOT / "pyproject.toml").read_bytes()),
        "group": group,
    }


def found_stamp() -> dict[str, str]:
    """What `.venv` was made from; empty when its making was interrupted."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and (VENV / "bin" / "python").exists() else {}


def ensure(group: str) -> None:
    """Makes `.venv` fit for `group` ("demo" or "dev", which contains demo). Quick when it already is.

    The stamp is written last and removed first, so an interrupted set-up is never mistaken for a whole one.
    """
    with (ROOT / "pyproject.toml").open() as lock:
        waiting = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if not waiting:
                    say("another set-up is at work here; waiting for it")
                waiting = True
                time.sleep(0.2)
        wanted, found = wanted_stamp(group), found_stamp()
        if found.get("group") == "dev":
            wanted["group"] = "dev"
        if found != wanted:
            set_up(wanted, found)


def set_up(wanted: dict[str, str], found: dict[str, str]) -> None:
    """Brings `.venv` from `found` to `wanted`: from nothing unless Python and pins are still the same."""
    started_s = time.monotonic()
    check_machine()
    STAMP.unlink(missing_ok=True)
    same = all(found.get(key) == wanted[key] for key in ("python", "pins"))
    steps = Steps(total=1 if same and found.get("group") == wanted["group"] else 2 if same else 3)
    if not same:
        shutil.rmtree(VENV, ignore_errors=True)
        steps.run("making .venv", [sys.executable, "-m", "venv", str(VENV)])
    if not same or found.get("group") != wanted["group"]:
        install_pins(steps, wanted["group"])
    steps.run(
        "installing volthood itself",
        [*pip("install"), "--no-deps", "--no-index", "--no-build-isolation", "-e", str(ROOT)],
    )
    STAMP.write_text(json.dumps(wanted))
    say(f"set up in {time.monotonic() - started_s:.0f} s; the next start is quick")


def check_machine() -> None:
    """Raises SetupError where something is missing that pip cannot bring."""
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise SetupError(
                f"this Python cannot make environments: the module '{module}' is missing.\n"
                "On Debian, Ubuntu and Raspberry Pi OS: sudo apt install python3-venv"
            )
    if platform.machine() not in {"x86_64", "aarch64"}:
        say(f"note: made for 64-bit x86_64 and aarch64; this is {platform.machine()}, where packages may be missing")


def install_pins(steps: "Steps", group: str) -> None:
    """Installs exactly what the pins say, each file checked against its hashes; never compiles anything."""
    text = PINS.read_text()
    if group == "demo":
        text = text.split(DEV_HEADING)[0]
    pins = VENV / f"pins-{group}.txt"
    pins.write_text(text)
    count = len(re.findall(r"^[\w.-]+==", text, re.MULTILINE))
    command = [*pip("install"), "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(pins)]
    steps.run(f"installing {count} packages", command, items=count)


def pip(verb: str) -> list[str]:
    """The start of a pip command in `.venv`; whatever index this machine's pip is set up with is used."""
    return [
        str(VENV / "bin" / "python"),
        "-m",
        "pip",
        verb,
        "--disable-pip-version-check",
        "--retries",
        "2",
        "--progress-bar",
        "off",
    ]


class Steps:
    """Runs the commands of a set-up, showing each with its time; on a terminal a live line says what is going on."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def run(self, title: str, command: list[str], items: int = 0) -> None:
        """Runs one command. Raises SetupError with the end of its output, and a hint where its cause is known."""
        self._done += 1
        head = f"[{self._done}/{self._total}] {title}"
        if not TTY:
            say(f"{head} ...")
        started_s = time.monotonic()
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=child_env(),
            text=True,
        ) as process:
            try:
                output = self._follow(process, head, started_s, items)
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0:
            raise SetupError(explain(title, output))
        clear_line()
        say(f"{head}: {time.monotonic() - started_s:.1f} s")

    def _follow(self, process: "subprocess.Popen[str]", head: str, started_s: float, items: int) -> str:
        lines: list[str] = []
        reader = threading.Thread(target=read_lines, args=(process, lines), daemon=True)
        reader.start()
        while reader.is_alive():
            seen = sum(line.startswith("Collecting ") for line in lines)
            note = f" {min(seen, items)}/{items}" if items else ""
            live(f"{head}{note}  {time.monotonic() - started_s:.0f} s  {lines[-1].strip() if lines else ''}")
            reader.join(0.2)
        return "".join(lines)


def read_lines(process: "subprocess.Popen[str]", lines: list[str]) -> None:
    """Appends what a process prints, line by line, until it closes its output."""
    for line in process.stdout or ():
        lines.append(line)  # noqa: PERF402 - another thread watches the list grow


def explain(title: str, output: str) -> str:
    """Why a step failed, in words, with the end of what the tool said."""
    tail = "\n".join("    " + line for line in output.strip().splitlines()[-8:])
    hint = "Run the same command again to start afresh; nothing half-made is used."
    network = (
        "NewConnectionError",
        "name resolution",
        "Network is unreachable",
        "ConnectTimeout",
        "Connection refused",
        "timed out",
    )
    if any(sign in output for sign in network):
        hint = "The package index cannot be reached: check the network (or pip's proxy setting), then run it again."
    elif "ensurepip" in output:
        hint = "On Debian, Ubuntu and Raspberry Pi OS: sudo apt install python3-venv"
    elif "No space left" in output:
        hint = "The disk is full: .venv needs about 500 MB."
    elif "No matching distribution" in output:
        machine = f"{platform.machine()}, Python {platform.python_version()}"
        hint = f"No ready-made file for this machine ({machine}), or no network."
    return f"{title} failed.\n{tail}\n{hint}"


def child_env() -> dict[str, str]:
    """The environment of `.venv`: its programs first, mosquitto's folder last, nothing that redirects Python or pip."""
    drop = (
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_ROOT",
        "PIP_REQUIRE_HASHES",
        "__PYVENV_LAUNCHER__",
    )
    env = {key: value for key, value in os.environ.items() if key not in drop}
    env["VIRTUAL_ENV"] = str(VENV)
    env["PATH"] = os.pathsep.join([str(VENV / "bin"), env.get("PATH", os.defpath), "/usr/sbin"])
    env["PIP_USER"] = "0"
    return env


# --- what it says -----------------------------------------------------------------------------------------------------


def say(text: str) -> None:
    """One line, at once, on standard error: standard output belongs to what was asked for."""
    clear_line()
    print(text, file=sys.stderr, flush=True)


def live(text: str) -> None:
    """A line that the next one replaces; nothing where the output is no terminal."""
    if TTY:
        width = shutil.get_terminal_size().columns - 1
        print("\r\x1b[K" + text[:width], end="", file=sys.stderr, flush=True)


def clear_line() -> None:
    """Takes the live line away."""
    if TTY:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


# --- what it does -----------------------------------------------------------------------------------------------------


def become(program: str, *arguments: str) -> None:
    """Turns this process into a program of `.venv`, so that signals and exit status are its own."""
    path = str(VENV / "bin" / program)
    sys.stdout.flush()
    os.execve(path, [path, *arguments], child_env())  # noqa: S606 - no shell is wanted


def run(*command: str, **env: str) -> int:
    """Runs a program of `.venv` in the repository's root; its exit status."""
    path = VENV / "bin" / command[0]
    return subprocess.run([str(path), *command[1:]], cwd=ROOT, env=child_env() | env, check=False).returncode


def summary(times: "list[tuple[str, float, str]]") -> int:
    """Prints a time per stage; 1 when any stage did not pass."""
    print("\nstage                     seconds  result")
    for name, elapsed_s, result in times:
        print(f"{name:<24} {elapsed_s:8.1f}  {result}")
    return int(any(result not in {"ok", "none"} for _, _, result in times))


def check_programs() -> None:
    """Says which programs are missing that some tests drive. Raises SetupError for that in CI."""
    path = child_env()["PATH"]
    missing = sorted(
        {package for program, package in SYSTEM_PROGRAMS.items() if shutil.which(program, path=path) is None}
    )
    if not missing:
        return
    remedy = "sudo apt install " + " ".join(missing)
    if os.environ.get("CI") == "true":
        raise SetupError(f"CI runs every test and needs: {remedy}")
    say(f"note: tests that need them are skipped until you run: {remedy}")


def has_tests(folder: str) -> bool:
    """Whether a stage has anything to run."""
    return any((ROOT / folder).rglob("test_*.py"))


def test(arguments: list[str]) -> int:
    """Runs pytest stage by stage, or once for the paths among the arguments."""
    check_programs()
    if any((ROOT / argument.split("::")[0]).exists() for argument in arguments if not argument.startswith("-")):
        return run("python", "-m", "pytest", *arguments)
    times = [timed_stage(stage, arguments) for stage in STAGES if has_tests(stage)]
    return summary(times)


def timed_stage(stage: str, arguments: list[str]) -> tuple[str, float, str]:
    """One stage of the tests: its name, how long it took, how it ended."""
    print(f"\n=== {stage}", flush=True)
    started_s = time.monotonic()
    status = run("python", "-m", "pytest", stage, *arguments)
    elapsed_s = time.monotonic() - started_s
    result = {0: "ok", 5: "none"}.get(status, f"failed ({status})")
    if result == "ok" and stage == "tests/unit" and elapsed_s > UNIT_BUDGET_S:
        say(f"unit tests took {elapsed_s:.0f} s; their budget is {UNIT_BUDGET_S} s on two cores")
        result = "too slow" if os.environ.get("CI") == "true" else result
    return stage, elapsed_s, result


def lint(arguments: list[str]) -> int:
    """Every check that reads the code without running it."""
    if arguments:
        raise SetupError("lint takes no arguments")
    copy_stubs()
    host = [folder for folder in ("agent", "tools", "tests", "hil_tests") if any((ROOT / folder).rglob("*.py"))]
    checks: list[tuple[str, tuple[str, ...], dict[str, str]]] = [
        ("ruff check", ("ruff", "check", "."), {}),
        ("ruff format", ("ruff", "format", "--check", "."), {}),
        ("mypy host", ("mypy", *host), {}),
        ("mypy board", ("mypy", "--config-file", "firmware/mypy.ini"), {"MYPYPATH": f"agent:firmware:{TYPINGS}"}),
        ("import contracts", ("lint-imports", "--no-logo"), {}),
    ]
    times = []
    for name, command, env in checks:
        print(f"\n=== {name}", flush=True)
        started_s = time.monotonic()
        status = run(*command, **env)
        times.append((name, time.monotonic() - started_s, "ok" if status == 0 else "failed"))
    return summary(times)


def copy_stubs() -> None:
    """Lays the board's stubs out as mypy wants a typeshed: a folder of its own, apart from the host's packages."""
    if TYPINGS.exists():
        return
    code = (
        "import importlib.metadata as m, pathlib, shutil, sys\n"
        "for name in sys.argv[2:]:\n"
        "  for f in m.files(name):\n"
        "    if f.suffix in ('.pyi', '.typed') or f.name == 'VERSIONS':\n"
        "      to = pathlib.Path(sys.argv[1], f)\n"
        "      to.parent.mkdir(parents=True, exist_ok=True)\n"
        "      shutil.copy(f.locate(), to)\n"
    )
    partial = TYPINGS.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    if run("python", "-c", code, str(partial), *STUBS) != 0:
        raise SetupError("the stubs of the board could not be laid out; remove .venv and run it again")
    partial.rename(TYPINGS)


def vectors(arguments: list[str]) -> int:
    """The makers of the golden bytes must still make them, and both interpreters must still read them.

    A maker (`make_*.py`) writes beside itself, so it runs in a copy, and every file of the copy is compared.
    """
    folder = ROOT / "tests" / "vectors"
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "vectors"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("__pycache__"))
        failed = [maker.name for maker in sorted(copy.rglob("make_*.py")) if run("python", str(maker)) != 0]
        made = {path.relative_to(copy): path.read_bytes() for path in copy.rglob("*.*") if path.is_file()}
    stored = {path: (folder / path).read_bytes() if (folder / path).is_file() else b"" for path in made}
    failed += [str(path) for path, data in made.items() if data != stored[path] and "__pycache__" not in path.parts]
    if failed:
        say("the stored vectors are not what their makers make: " + ", ".join(failed))
    return run("python", "-m", "pytest", "-k", "vector", *arguments) or int(bool(failed))


def fuzz(arguments: list[str]) -> int:
    """The property tests, with many more examples than an ordinary run has time for: VOLTHOOD_FUZZ_EXAMPLES of each."""
    return run("python", "-m", "pytest", "-p", "tests.fuzz_profile", "-m", "hypothesis", *arguments)


def main(arguments: list[str]) -> int:
    """Sets up what the command needs, then runs it."""
    groups = {"demo": "demo", "bench": "dev", "test": "dev", "lint": "dev", "vectors": "dev", "fuzz": "dev"}
    what, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if what not in groups:
        print(__doc__)
        return 0 if what in {"", "help", "-h", "--help"} else 2
    ensure(groups[what])
    if what == "demo":
        become("volthood", "demo", *rest)
    if what == "bench":
        become("volthood-bench", *rest)
    return {"test": test, "lint": lint, "vectors": vectors, "fuzz": fuzz}[what](rest)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        try:
            sys.exit(main(sys.argv[1:]))
        except SetupError as problem:
            clear_line()
            sys.exit(f"dev.py: {problem}")
        except KeyboardInterrupt:
            clear_line()
            sys.exit(130)
