"""Plain values out of a pickle, without running it: ArrayRecord sets are pickled dicts.

Unpickling calls whatever function a pickle names. Here the opcodes are read one by one, only those
of plain values are known, and the few names by which numpy stores an array of integers are
recognised as text; nothing is imported or called.
"""

from __future__ import annotations

import pickletools
from typing import Any, NamedTuple

import numpy as np

MOST_OPCODES = 100_000
MOST_DIGITS = 8  # bytes of an integer
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
LITERALS = {"BININT", "BININT1", "BININT2", "BINFLOAT", "SHORT_BINUNICODE", "BINUNICODE"}
LITERALS |= {"SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"}
EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
IGNORED = {"PROTO", "FRAME"}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
MULTIARRAY = ("numpy._core.multiarray", "numpy.core.multiarray")
NUMERIC = ("numpy._core.numeric", "numpy.core.numeric")
CODES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
KNOWN = {("numpy", "ndarray"), ("numpy", "dtype")}
KNOWN |= {(module, name) for module in MULTIARRAY for name in ("_reconstruct", "scalar")}
KNOWN |= {(module, "_frombuffer") for module in NUMERIC}
_MARK = object()


class Refused(ValueError):
    """A pickle that is damaged, or holds more than plain values."""


class Name(NamedTuple):
    """A name of numpy that a pickle mentions; only text."""

    name: str


class Call:
    """A call that a pickle asks for, which is not made."""

    def __init__(self, name: str, arguments: tuple) -> None:
        """Note the function's name and its arguments."""
        self.name, self.arguments, self.state = name, arguments, None


def read_pickle(data: bytes) -> Any:
    """Read None, bool, int, float, str, bytes, tuple, list, dict and integer arrays of numpy.

    Raises:
        Refused: the pickle is damaged, too long, or holds anything else.
    """
    try:
        return _Machine().run(data)
    except Refused:
        raise
    except Exception as error:  # pickletools raises whatever damaged bytes lead it to
        raise Refused(f"a damaged pickle ({type(error).__name__})") from None


class _Machine:
    """The stack and the memo of a pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if count >= MOST_OPCODES:
                raise Refused(f"a pickle of more than {MOST_OPCODES} parts")
            if opcode.name == "STOP":
                (value,) = self.stack
                return _plain(value)
            self.step(opcode.name, argument)
        raise Refused("a pickle without an end")

    def step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in LITERALS:
            stack.append(argument)
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in EMPTY:
            stack.append(EMPTY[name]())
        elif name == "LONG1" and abs(argument) < 1 << (8 * MOST_DIGITS):
            stack.append(argument)
        elif name == "MARK":
            stack.append(_MARK)
        elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT"):
            self.memo[len(self.memo) if argument is None else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name not in IGNORED:
            self.combine(name, argument)

    def combine(self, name: str, argument: Any) -> None:
        """Opcodes that make one value of several."""
        stack = self.stack
        if name in TUPLES or name == "TUPLE":
            items = self.since_mark() if name == "TUPLE" else self.pop(TUPLES[name])
            stack.append(tuple(items))
        elif name in ("SETITEM", "SETITEMS"):
            items = self.pop(2) if name == "SETITEM" else self.since_mark()
            _expect(stack[-1], dict)
            for key, value in zip(items[::2], items[1::2], strict=True):
                _expect(key, str | int)
                stack[-1][key] = value
        elif name in ("APPEND", "APPENDS"):
            items = self.pop(1) if name == "APPEND" else self.since_mark()
            _expect(stack[-1], list)
            stack[-1].extend(items)
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            pair = tuple(argument.split(" ") if name == "GLOBAL" else self.pop(2))
            if pair not in KNOWN:
                shown = ".".join(str(part) for part in pair)[:80]
                raise Refused(f"a pickle that would call {shown!r}: refused")
            stack.append(Name(pair[1]))
        elif name == "REDUCE":
            function, arguments = self.pop(2)
            _expect(function, Name)
            _expect(arguments, tuple)
            stack.append(Call(function.name, arguments))
        elif name == "BUILD":
            (state,) = self.pop(1)
            _expect(stack[-1], Call)
            stack[-1].state = state
        else:
            raise Refused(f"a pickle with the opcode {name}: only plain values are read")

    def pop(self, count: int) -> list:
        items = self.stack[len(self.stack) - count :]
        if len(items) < count or any(item is _MARK for item in items):
            raise Refused("a damaged pickle")
        del self.stack[len(self.stack) - count :]
        return items

    def since_mark(self) -> list:
        for at in range(len(self.stack) - 1, -1, -1):
            if self.stack[at] is _MARK:
                items = self.stack[at + 1 :]
                del self.stack[at:]
                return items
        raise Refused("a damaged pickle")


def _expect(value: Any, kind: Any) -> None:
    if not isinstance(value, kind):
        raise Refused("a damaged pickle")


def _plain(value: Any) -> Any:
    """Make arrays of the calls in the values of a dict; other calls become None."""
    if isinstance(value, dict):
        return {
            key: _array(item) if isinstance(item, Call) else item for key, item in value.items()
        }
    return _array(value) if isinstance(value, Call) else value


def _array(call: Call) -> np.ndarray | None:
    """The array that numpy's calls describe, if it holds integers or booleans."""
    match call.name, call.arguments, call.state:
        case "_reconstruct", _, (_, tuple(shape), Call() as dtype, fortran, bytes(data)):
            order = "F" if fortran else "C"
        case "_frombuffer", (
            bytes() | bytearray() as data,
            Call() as dtype,
            tuple(shape),
            order,
        ), _:
            pass
        case "scalar", (Call() as dtype, bytes(data)), _:
            shape, order = (), "C"
        case _:
            return None
    match dtype.name, dtype.arguments, dtype.state:
        case "dtype", (str(code), *_), (_, "<" | ">" | "|" as endian, *_):
            pass
        case _:
            return None
    if code not in CODES or order not in ("C", "F"):
        return None
    kind = np.dtype(endian + code)
    if not all(type(side) is int and side >= 0 for side in shape):
        raise Refused("a damaged pickle")
    values = np.frombuffer(data, kind)
    try:
        return values.reshape(shape, order=order)
    except ValueError:
        raise Refused("a damaged pickle") from None
