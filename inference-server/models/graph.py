"""A thin layer over onnx.helper: operators are called like functions and return the names of their outputs."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Opset 17 and IR 8 are read by every onnxruntime since 1.13; nothing newer is needed.
OPSET = 17
IR_VERSION = 8


class Graph:
    """Collects nodes and constants in call order, so that the same calls give the same bytes."""

    def __init__(self, name):
        self.name = name
        self.nodes = []
        self.initializers = []
        self._count = 0

    def constant(self, value, dtype=np.float32):
        """Adds an initializer and returns its name."""
        name = self._fresh("c")
        self.initializers.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def ints(self, *values):
        """Adds a 1-D int64 initializer (shapes, axes, indices)."""
        return self.constant(list(values), np.int64)

    def call(self, op, *inputs, out=None, outputs=1, **attributes):
        """Adds a node. Numbers among the inputs become float constants. Returns a name, or a list for several outputs."""
        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        results = [out] if out else [self._fresh(op.lower()) for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, names, results, name=f"{op}_{len(self.nodes)}", **attributes))
        return results[0] if len(results) == 1 else results

    def __getattr__(self, op):
        if not op[0].isupper():
            raise AttributeError(op)
        return lambda *inputs, **attributes: self.call(op, *inputs, **attributes)

    def body(self, inputs, outputs):
        """This graph as the body of a Loop."""
        return helper.make_graph(self.nodes, self.name, inputs, outputs, self.initializers)

    def model(self, inputs, outputs, doc):
        """The checked model."""
        graph = helper.make_graph(self.nodes, self.name, inputs, outputs, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="make.py")
        model.ir_version = IR_VERSION
        model.doc_string = doc
        onnx.checker.check_model(model, full_check=True)
        return model

    def _fresh(self, stem):
        self._count += 1
        return f"{self.name}/{stem}_{self._count}"


def tensor(name, shape, kind=TensorProto.FLOAT):
    """A graph input or output; a string in `shape` is a dynamic dimension."""
    return helper.make_tensor_value_info(name, kind, shape)
