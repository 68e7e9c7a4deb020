"""What a state is to numba: a pointer to the table of its arrays, each of which is an attribute.

The table does not change while compiled code runs (an array is replaced only between two calls), so its
entries are loaded as invariant, and the compiler keeps them in registers.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    intrinsic,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)

from toscale.engine.state import ARRAYS, State

_ROW = 4  # words of the table for each array: its address and up to three lengths


class StateType(types.Type):
    """The type of a `State` in compiled code."""

    def __init__(self) -> None:
        super().__init__(name="toscale.engine.State")


_ARRAY_TYPES = {
    name: types.Array(numba.from_dtype(dtype), dimensions, "C")
    for name, (dtype, dimensions) in ARRAYS.items()
}
_POSITIONS = {name: k for k, name in enumerate(ARRAYS)}
_STATE = StateType()


@typeof_impl.register(State)
def _type_of(value: State, context: Any) -> StateType:
    return _STATE


@register_model(StateType)
class _Model(models.OpaqueModel):  # type: ignore[misc]
    """An untyped pointer."""


@unbox(StateType)
def _unbox(kind: Any, value: Any, c: Any) -> Any:
    address = c.pyapi.object_getattr_string(value, "address")
    word = c.pyapi.long_as_longlong(address)
    c.pyapi.decref(address)
    return NativeValue(c.builder.inttoptr(word, ir.IntType(8).as_pointer()))


@infer_getattr
class _Attributes(AttributeTemplate):  # type: ignore[misc]
    key = StateType

    def generic_resolve(self, kind: Any, name: str) -> Any:  # noqa: ARG002 (numba's signature)
        return _ARRAY_TYPES.get(name)


@lower_getattr_generic(StateType)
def _lower(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
    array_type = _ARRAY_TYPES[name]
    word = ir.IntType(64)
    table = builder.bitcast(value, word.as_pointer())

    def load(at: int) -> Any:
        loaded = builder.load(builder.gep(table, [ir.Constant(word, _POSITIONS[name] * _ROW + at)]))
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
        return loaded

    array = context.make_array(array_type)(context, builder)
    size = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    if isinstance(array_type.dtype, types.Record):
        size = array_type.dtype.size
    shape = [ir.Constant(word, 0), *(load(1 + k) for k in range(1, array_type.ndim))]
    strides: list[Any] = [ir.Constant(word, size)]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    context.populate_array(
        array,
        data=builder.inttoptr(load(0), array.data.type),
        shape=shape,
        strides=strides,
        itemsize=ir.Constant(word, size),
        meminfo=None,
    )
    return array._getvalue()


@intrinsic
def call_part(typing_context: Any, state: Any, part: Any, what: Any, i: Any, pc: Any) -> Any:
    """Does an instruction, or what an event asks for, where that part is: through its address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table, which, *rest = arguments
        word = ir.IntType(64)
        row = builder.gep(builder.bitcast(table, word.as_pointer()), [ir.Constant(word, len(ARRAYS) * _ROW)])
        addresses = builder.inttoptr(builder.load(row), word.as_pointer())
        called = ir.FunctionType(word, [table.type, word, word, word])
        address = builder.load(builder.gep(addresses, [which]))
        return builder.call(builder.inttoptr(address, called.as_pointer()), [table, *rest])

    return types.int64(state, *[types.int64] * 4), generate


@intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Asks the processor to have an array's element at hand by the time it is needed."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        element = context.make_array(kind)(context, builder, arguments[0])
        byte = ir.IntType(8).as_pointer()
        flag = ir.IntType(32)
        called = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], called)
        place = builder.bitcast(builder.gep(element.data, [arguments[1]]), byte)
        builder.call(function, [place, flag(0), flag(3), flag(1)])  # to be read, and kept
        return context.get_dummy_value()

    return types.void(array, index), generate
