"""A mypy plugin: `msgspec.structs.replace` takes the fields of its struct and no others.

msgspec declares ``replace(struct, /, **changes: Any)``; without this a misspelt field passes.
mypy knows the fields already, for `dataclasses.replace`.
"""

from collections.abc import Callable

from mypy.plugin import FunctionSigContext, Plugin
from mypy.plugins.dataclasses import replace_function_sig_callback
from mypy.types import FunctionLike


class TypedReplace(Plugin):
    def get_function_signature_hook(
        self, fullname: str
    ) -> Callable[[FunctionSigContext], FunctionLike] | None:
        return replace_function_sig_callback if fullname == "msgspec.structs.replace" else None


def plugin(_version: str) -> type[Plugin]:
    return TypedReplace
