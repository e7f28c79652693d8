"""Clients that speak to the app as its pages do, without a browser: what each hears, and when.

The pages come as JSON on the first line of the input, each with what a browser said when it opened it; the next line
ends it, and what was heard goes to the output.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import uuid
from dataclasses import dataclass, field

import simple_websocket

PING, PONG = "2", "3"
NUMBER = re.compile(r"bench-(\d+)")


@dataclass
class Client:
    """One open page."""

    hello: str
    seen: list[tuple[int, float]] = field(default_factory=list)
    bytes: int = 0
    is_open: bool = False

    async def run(self, url: str) -> None:
        """Say hello, and listen until it is ended."""
        address = f"{url.replace('http', 'ws', 1)}/_event/?token={uuid.uuid4()}&EIO=4&transport=websocket"
        socket = await simple_websocket.AioClient.connect(address, receive_bytes=65536)
        await socket.receive()
        await socket.send(self.hello)
        newest = 0
        while True:
            frame = str(await socket.receive())
            if frame == PING:
                await socket.send(PONG)
                continue
            self.bytes += len(frame)
            self.is_open = True
            numbers = NUMBER.findall(frame)
            if numbers and (found := max(map(int, numbers))) > newest:
                newest = found
                self.seen.append((found, time.time() * 1000))


async def main(url: str) -> None:
    """Open all, wait for the word to end, tell."""
    clients = [Client(hello) for _, hello in json.loads(await asyncio.to_thread(sys.stdin.readline))]
    tasks = [asyncio.create_task(client.run(url)) for client in clients]
    while not all(client.is_open for client in clients):
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0.05)
    sys.stdout.write("open\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    json.dump({"seen": [one.seen for one in clients], "bytes": sum(one.bytes for one in clients)}, sys.stdout)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
