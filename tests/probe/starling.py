"""Our command, as a person would use it."""

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def devnet(program, *options):
    """A network that ends with the block; its seed's URL."""
    command = [program, "devnet", "--until-eof", "--json", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())["seed_url"]
        finally:
            process.stdin.close()


class Starling:
    """An account in a directory of its own."""

    def __init__(self, program, directory, seed_url):
        key = Path(directory) / "key"
        key.write_text("a" * 64)
        home = ["--data-dir", str(Path(directory) / "data"), "--key-file", str(key)]
        self.command = [program, "--json", "--seed-node", seed_url, *home]
        self.id = bytes.fromhex(self("account", "new")["account_id"])

    def __call__(self, *arguments):
        """The command's answer."""
        done = subprocess.run(
            [*self.command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(f"starling {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
        return json.loads(done.stdout)
