"""Times of frames that rise from frame to frame, whatever the file says: joined, wrapped, doubled or missing ones."""

from fractions import Fraction
from typing import Any

# Rates of frames a second that are believed; for others and for none at all a common one is taken.
BELIEVED, COMMON = (1, 1000), 25
# Beyond this a time is garbage: what is stored is int64, and it has to have room to be counted on.
LATEST = 1 << 60


class Clock:
    """Gives every frame its stamp, in units of the stream's time base, the same ones whenever a file is decoded anew.

    A stamp is the file's own where these rise. One that is missing or does not rise is counted on from the frame
    before, by the length of a frame; after a jump back of a second or more all that follows is moved with it.

    Parameters
    ----------
    stream : PyAV's video stream
    format : name of the file's format

    Attributes
    ----------
    unit : seconds
    mended : frames that were counted on
    counted : packets without any time
    """

    def __init__(self, stream: Any, format: str) -> None:
        self.unit = Fraction(stream.time_base or Fraction(1, 1000))
        rates = (stream.codec_context.framerate, stream.guessed_rate)
        self.rate = Fraction(next((rate for rate in rates if rate and BELIEVED[0] <= rate <= BELIEVED[1]), COMMON))
        self.step = max(1, round(1 / (self.rate * self.unit)))
        self.mended = self.counted = 0
        # AVI counts frames in the order of decoding; other times of it are guesses.
        self._decoding = format == "avi"
        self._second = max(self.step, round(1 / self.unit))
        self._last: int | None = None
        self._shift = 0
        self._next = 0

    def count(self, packet: Any) -> None:
        """Give a packet without any time the one that follows from the packets before it."""
        time = believed(packet.dts)
        if time is None and believed(packet.pts) is None:
            packet.dts = time = self._next
            self.counted += 1
        if time is not None:
            self._next = time + self.step

    def stamp(self, frame: Any) -> int:
        """The stamp of the next frame: 0 or more, and larger than the one before it."""
        time = None if self._decoding else believed(frame.pts)
        time = believed(frame.dts) if time is None else time
        if self._last is None:
            # A clock that begins below zero is moved to begin there.
            self._shift = max(0, -time) if time is not None else 0
            stamp = max(0, time or 0)
        elif time is None or time + self._shift <= self._last:
            stamp = self._last + self.step
            if time is not None and self._last - time - self._shift >= self._second:
                self._shift = stamp - time
            # The last frames come out behind all packets, and have no decoding time.
            self.mended += time is not None or not self._decoding
        else:
            stamp = time + self._shift
        self._last = stamp
        return stamp


def believed(time: int | None) -> int | None:
    """A time, or None where it is missing or garbage."""
    return time if time is not None and abs(time) < LATEST else None
