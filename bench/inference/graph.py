"""A small builder of ONNX graphs, for the architectures that the benchmark measures."""

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
# The oldest that knows the opset, so that every runtime of the last years reads the file.
IR_VERSION = 8


class Graph:
    """Nodes and weights, added in order; every method returns the name of its output."""

    def __init__(self):
        self.nodes, self.weights = [], []
        self.random = np.random.default_rng(0)

    def const(self, value, name=None):
        name = name or f"c{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def ints(self, *values):
        return self.const(np.array(values, np.int64))

    def float(self, value):
        return self.const(np.float32(value))

    def normal(self, name, *shape, deviation=0.02):
        """Random weights of the size that initialisation gives them: the activations stay within float32."""
        return self.const(self.random.normal(0, deviation, shape).astype(np.float32), name)

    def add(self, kind, inputs, output=None, **attributes):
        output = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def sum(self, *inputs):
        total = inputs[0]
        for each in inputs[1:]:
            total = self.add("Add", [total, each])
        return total

    def linear(self, x, name, inputs, outputs):
        weight = self.normal(f"{name}.weight", inputs, outputs, deviation=inputs**-0.5)
        return self.add("Add", [self.add("MatMul", [x, weight]), self.normal(f"{name}.bias", outputs)])

    def conv(self, x, name, inputs, outputs, kernel, stride=1, padding=0, bias=True, transposed=False):
        shape = (inputs, outputs) if transposed else (outputs, inputs)
        feeds = [x, self.normal(f"{name}.weight", *shape, kernel, kernel, deviation=(inputs * kernel * kernel) ** -0.5)]
        if bias:
            feeds.append(self.normal(f"{name}.bias", outputs))
        kind = "ConvTranspose" if transposed else "Conv"
        return self.add(kind, feeds, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[padding] * 4)

    def norm(self, x, name, width, epsilon=1e-5):
        scale = self.const(np.ones(width, np.float32), f"{name}.weight")
        bias = self.const(np.zeros(width, np.float32), f"{name}.bias")
        return self.add("LayerNormalization", [x, scale, bias], axis=-1, epsilon=epsilon)

    def norm2d(self, x, name, width):
        """LayerNorm over the channels of [batch, channels, height, width], as segment-anything's LayerNorm2d."""
        centred = self.add("Sub", [x, self.add("ReduceMean", [x], axes=[1])])
        variance = self.add("ReduceMean", [self.add("Mul", [centred, centred])], axes=[1])
        deviation = self.add("Sqrt", [self.add("Add", [variance, self.float(1e-6)])])
        scale = self.const(np.ones(width, np.float32), f"{name}.weight")
        bias = self.const(np.zeros(width, np.float32), f"{name}.bias")
        scaled = self.add("Mul", [self.add("Div", [centred, deviation]), self.reshape(scale, width, 1, 1)])
        return self.add("Add", [scaled, self.reshape(bias, width, 1, 1)])

    def gelu(self, x):
        erf = self.add("Erf", [self.add("Div", [x, self.float(math.sqrt(2))])])
        half = self.add("Mul", [x, self.float(0.5)])
        return self.add("Mul", [half, self.add("Add", [erf, self.float(1)])])

    def reshape(self, x, *shape):
        return self.add("Reshape", [x, self.ints(*shape)])

    def transpose(self, x, *order):
        return self.add("Transpose", [x], perm=order)

    def slice(self, x, start, end, axis):
        return self.add("Slice", [x, self.ints(start), self.ints(end), self.ints(axis)])

    def attend(self, q, k, v, scale, bias=None):
        """Softmax(q k^T scale + bias) v of [..., tokens, dimension]: k transposed already."""
        scores = self.add("MatMul", [self.add("Mul", [q, self.float(scale)]), k])
        if bias is not None:
            scores = self.add("Add", [scores, bias])
        return self.add("MatMul", [self.add("Softmax", [scores], axis=-1), v])

    def model(self, name, inputs, outputs, domains=()):
        """Inputs and outputs: name -> shape, of float32."""
        graph = helper.make_graph(self.nodes, name, values(inputs), values(outputs), self.weights)
        return model(graph, *domains)


def values(shapes):
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]


def model(graph, *domains):
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET), *domains])
    made.ir_version = IR_VERSION
    onnx.checker.check_model(made)
    return made
