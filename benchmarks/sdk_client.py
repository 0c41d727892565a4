"""The alternative, in a process of its own: AsyncOpenAI, a semaphore, and the SDK's retries.

python -m benchmarks.sdk_client URL PROMPTS
"""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass

from openai import AsyncOpenAI, OpenAIError

from benchmarks.fleet import prompts

IN_FLIGHT = 64


@dataclass(frozen=True)
class SdkResult:
    """What came of it."""

    lost: int
    seconds: float
    cpu_s: float


async def _ask_all(url: str, count: int) -> int:
    gate, lost = asyncio.Semaphore(IN_FLIGHT), 0
    async with AsyncOpenAI(base_url=url, api_key="sk-bench") as client:

        async def ask(messages: list[dict[str, str]]) -> None:
            nonlocal lost
            async with gate:
                try:
                    answer = await client.chat.completions.create(
                        model="m",
                        messages=messages,  # type: ignore[arg-type]  # the SDK's own dictionaries
                        max_tokens=8,
                        temperature=0.0,
                    )
                except OpenAIError:
                    lost += 1
                else:
                    lost += answer.choices[0].message.content != "A"

        await asyncio.gather(*map(ask, prompts(count, "sdk")))
    return lost


def run_sdk(url: str, count: int) -> SdkResult:
    """In a process of its own."""
    argv = [sys.executable, "-m", "benchmarks.sdk_client", url, str(count)]
    raw = subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout
    return SdkResult(**json.loads(raw))


def main() -> None:
    """Print the result as JSON."""
    begun, begun_cpu = time.monotonic(), time.process_time()
    lost = asyncio.run(_ask_all(sys.argv[1], int(sys.argv[2])))
    seconds, used = time.monotonic() - begun, time.process_time() - begun_cpu
    print(json.dumps({"lost": lost, "seconds": seconds, "cpu_s": used}))


if __name__ == "__main__":
    main()
