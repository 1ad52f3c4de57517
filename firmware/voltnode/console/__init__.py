"""The technician's console on UART0: `editor` takes keys, `commands` answer, `session` is the task between them."""
