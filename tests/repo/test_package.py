"""What is installed is what lies in the source roots, no more and no less, and it works on its own."""

import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

PACKAGES = ("agent/volthood", "tools/volthood_tools", "firmware/voltnode")


def build(root: Path, target: str, folder: Path) -> Path:
    """Builds one distribution without any network."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("volthood-*"))


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(root, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked_sdist(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build(root, "sdist", folder)) as archive:
        archive.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


def contents(wheel: Path) -> set[str]:
    """Files of the wheel, without its own metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_the_three_packages_and_nothing_else(wheel: Path, tree: list[Path]) -> None:
    expected = {
        str(path.relative_to(Path(package).parent))
        for package in PACKAGES
        for path in tree
        if path.is_relative_to(package)
    }
    assert contents(wheel) == expected


def test_the_sdist_builds_the_same_wheel(wheel: Path, unpacked_sdist: Path, tmp_path: Path) -> None:
    assert contents(build(unpacked_sdist, "wheel", tmp_path)) == contents(wheel)


def test_the_sdist_holds_what_a_packager_needs(unpacked_sdist: Path) -> None:
    needed = ("LICENSE", "README.md", "CHANGELOG.md", "tools/dev.py", "tools/constraints.txt", "tests/repo/conftest.py")
    assert [name for name in needed if not (unpacked_sdist / name).is_file()] == []


def test_the_wheel_runs_in_a_fresh_environment(root: Path, wheel: Path, tmp_path: Path) -> None:
    """Only the dependencies are lent from this environment: a path file does not bring its editable install along."""
    home = tmp_path / "venv"
    venv.create(home, symlinks=True)
    python = str(home / "bin" / "python")
    install = ["-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, *install], check=True, env={"PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    site = Path(
        subprocess.check_output(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
        ).strip()
    )
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = subprocess.check_output(
        [python, "-c", "import volthood; print(volthood.__file__)"], text=True, cwd=tmp_path
    )
    assert Path(where.strip()).is_relative_to(home)
    for command in tomllib.loads((root / "pyproject.toml").read_text())["project"]["scripts"]:
        done = subprocess.run(
            [home / "bin" / command, "--help"], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout.strip(), command
