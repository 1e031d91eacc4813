"""Numbers as clients write them: plain digits, of bounded length."""


def whole_number(text: str, most: int) -> int | None:
    """Read plain ASCII digits as a number up to `most`; None for anything else.

    `str.isdecimal` also takes the digits of other scripts, and `int` refuses thousands of digits.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most))):
        return None
    found = int(text)
    return found if found <= most else None
