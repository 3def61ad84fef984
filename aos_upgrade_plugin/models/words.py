"""Text that came from anywhere, made fit for one line, for JSON and for a report."""

_LINE_CHARACTERS = 400
_TEXT_CHARACTERS = 16_000


def line(text: str) -> str:
    """Return the text as one printable line of bounded length; never empty."""
    flat = " ".join(printable(shortened(text, _TEXT_CHARACTERS)).split())
    return " ".join(shortened(flat, _LINE_CHARACTERS).split()) or "(no words)"


def text(long: str) -> str:
    """Return the text with everything unprintable escaped, without its middle if it is long."""
    # Before, so that the length of what anybody prints costs nothing; after, because of escapes.
    lines = shortened(long, _TEXT_CHARACTERS).splitlines()
    return shortened("\n".join(map(printable, lines)), _TEXT_CHARACTERS)


def describe(error: BaseException) -> str:
    """Return kind and words of an exception in one line."""
    return line(f"{type(error).__name__}: {error}".removesuffix(": "))


def printable(words: str) -> str:
    r"""Escape what cannot be printed as ``\xNN`` or ``\uNNNN``."""
    if words.isprintable():
        return words
    return "".join(
        one if one.isprintable() or one in "\n\t " else one.encode("unicode_escape").decode()
        for one in words
    )


def shortened(words: str, characters: int) -> str:
    """Keep the beginning and the end of what is too long, and say so."""
    if len(words) <= characters:
        return words
    half = characters // 2
    return f"{words[:half]} […{len(words) - 2 * half} characters…] {words[-half:]}"
