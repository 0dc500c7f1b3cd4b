"""Documented kinds of values."""

from typing import Annotated

from msgspec import Meta

Milliseconds = Annotated[
    str,
    Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", examples=["2025-07-12T13:10:33.123Z"]),
]
Microseconds = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$",
        examples=["2025-07-12T13:10:33.123456+00:00"],
    ),
]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$", examples=["2024-06-01"])]
Id = Annotated[int, Meta(ge=1, le=2**53 - 1, examples=[7])]
Text = Annotated[str, Meta(min_length=1, description="For people, in the negotiated language.")]
