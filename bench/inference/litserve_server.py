"""The same on LitServe, with as many worker processes as there are cores, and batches where they are asked for.

    python litserve_server.py <port> <workers> <max batch size> <batch timeout in seconds>
"""

import sys

import litserve

from pipelines import pipeline


class Unbatched(litserve.LitAPI):
    def setup(self, device):
        self.model = pipeline()

    def decode_request(self, request):
        return self.model.decode(request)

    def predict(self, x):
        return self.model.run(x)

    def encode_response(self, output):
        return self.model.encode(output)


class Batched(Unbatched):
    def batch(self, inputs):
        return inputs

    def predict(self, x):
        return self.model.run_batch(x)

    def unbatch(self, output):
        return output


def main():
    port, workers, batch = (int(argument) for argument in sys.argv[1:4])
    if batch > 1:
        api = Batched(api_path="/invocations", max_batch_size=batch, batch_timeout=float(sys.argv[4]))
    else:
        api = Unbatched(api_path="/invocations")
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=workers, healthcheck_path="/ping", timeout=60
    )
    server.run(host="127.0.0.1", port=port, log_level="warning", generate_client_file=False)


if __name__ == "__main__":
    main()
