"""`python -m local.openai`: run the model."""

from __future__ import annotations

import argparse
import sys

from local.entra.server import listen, serve
from local.openai.server import ChatModel


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m local.openai",
        description="A model on 127.0.0.1 that speaks OpenAI's chat completions, and repeats the question.",
    )
    parser.add_argument("--port", type=int, default=8500, help="to listen on (default %(default)s; 0 takes a free one)")
    with listen(parser.parse_args().port) as listener:
        print(f"openai: http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
        serve(ChatModel().app(), listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
