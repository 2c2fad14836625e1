"""What the native module declares to the interpreter that loads it."""

from __future__ import annotations

import ctypes
import sys

import pytest

from ferrotel import _native


class ModuleDef(ctypes.Structure):
    """CPython's PyModuleDef, of builds with the GIL."""

    _fields_ = [
        ("ob_refcnt", ctypes.c_ssize_t),
        ("ob_type", ctypes.c_void_p),
        ("m_init", ctypes.c_void_p),
        ("m_index", ctypes.c_ssize_t),
        ("m_copy", ctypes.c_void_p),
        ("m_name", ctypes.c_char_p),
        ("m_doc", ctypes.c_char_p),
        ("m_size", ctypes.c_ssize_t),
        ("m_methods", ctypes.c_void_p),
        ("m_slots", ctypes.c_void_p),
    ]


class Slot(ctypes.Structure):
    _fields_ = [("slot", ctypes.c_int), ("value", ctypes.c_void_p)]


PY_MOD_GIL, PY_MOD_GIL_USED = 4, 0


@pytest.mark.skipif(sys.version_info < (3, 13), reason="older CPythons have no such slot")
def test_it_needs_the_gil() -> None:
    """A free-threaded CPython would otherwise run it without."""
    init = ctypes.PyDLL(_native.__file__).PyInit__native
    init.restype = ctypes.POINTER(ModuleDef)
    definition = init().contents
    assert definition.m_name == b"_native"
    slots = ctypes.cast(definition.m_slots, ctypes.POINTER(Slot))
    declared = {}
    for index in range(20):
        if slots[index].slot == 0:
            break
        declared[slots[index].slot] = slots[index].value or 0
    assert declared[PY_MOD_GIL] == PY_MOD_GIL_USED
