"""Speaks made-up sentences with pauses into a WAV file: espeak-ng, 48 kHz, one channel."""

import argparse
import random
import subprocess
from pathlib import Path

VOICES = ["en", "en-us", "de", "fr", "es", "it", "pl", "sv"]
SYLLABLES = "ba be bi da de do fa ga ka la lo ma mi na ne no pa ra re ri sa se ta ti to va vo".split()


def sentences(drawn, seconds):
    """SSML of about this length: people speak for some seconds, then listen."""
    spoken, parts = 0.0, []
    while spoken < seconds:
        count = drawn.randint(2, 25)
        words = ("".join(drawn.choices(SYLLABLES, k=drawn.randint(1, 4))) for _ in range(count))
        listening = min(drawn.expovariate(1 / 1.5), 6.0)
        parts.append(f'{" ".join(words)}. <break time="{int(listening * 1000)}ms"/>')
        # Slower than the fastest voice speaks, so that the file is never too short.
        spoken += count * 0.2 + listening
    return f"<speak>{' '.join(parts)}</speak>"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=float, required=True, help="length, at least")
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    drawn = random.Random(options.seed)
    voice = f"{drawn.choice(VOICES)}+{drawn.choice('fm')}{drawn.randint(1, 4)}"
    speak = ["espeak-ng", "-m", "-v", voice, "-s", str(drawn.randint(130, 190)), "--stdout"]
    text = sentences(drawn, options.seconds).encode()
    spoken = subprocess.run(speak, input=text, stdout=subprocess.PIPE, check=True).stdout
    convert = ["ffmpeg", "-v", "error", "-y", "-i", "-", "-t", str(options.seconds + 2)]
    convert += ["-ar", "48000", "-ac", "1", str(options.file)]
    subprocess.run(convert, input=spoken, check=True)


if __name__ == "__main__":
    main()
