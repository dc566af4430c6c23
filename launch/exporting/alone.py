"""Runs an exported model with its own runtime alone; a script, which imports nothing of
vladser: python -P alone.py stablehlo|onnx MODEL INPUTS.npz OUTPUTS.npz

The inputs are features0, lengths0, features1, ...; the outputs probabilities0,
embedding0, ..., and the runtime's name and version.
"""

import sys
from pathlib import Path

import numpy as np


def stablehlo(file):
    import jax
    from jax import export

    program = export.deserialize(bytearray(Path(file).read_bytes()))
    return f"jax {jax.__version__}", program.call


def onnx(file):
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])

    def call(features, lengths):
        inputs = {"features": features, "lengths": lengths}
        return session.run(["probabilities", "embedding"], inputs)

    return f"onnxruntime {onnxruntime.__version__}", call


if __name__ == "__main__":
    form, file, inputs, outputs = sys.argv[1:]
    runtime, call = {"stablehlo": stablehlo, "onnx": onnx}[form](file)
    given, found = np.load(inputs, allow_pickle=False), {"runtime": runtime}
    for n in range(len(given.files) // 2):
        results = call(given[f"features{n}"], given[f"lengths{n}"])
        found[f"probabilities{n}"], found[f"embedding{n}"] = results
    np.savez(outputs, **found)
