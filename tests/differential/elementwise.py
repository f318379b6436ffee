"""Elementwise ops: inputs of one type, which broadcast."""

from tests.differential.table import Table

table = Table("elementwise")


def unary(domain="any"):
    """One array."""
    return lambda d: ([d.array("T", d.shape(), domain)], {})


def binary(domain="any", second=None, low=None, high=None):
    """Two arrays that broadcast: numbers of a domain (of another one in the second array), integers in a range."""

    def draw(d):
        shape = d.shape()
        pair = [(shape, domain), (d.broadcast(shape), second or domain)]
        shapes = pair[:: -1 if second is None and d.flag() else 1]
        return [d.array("T", shape, each, low=low, high=high) for shape, each in shapes], {}

    return draw


def alike(*domains, **attrs):
    """Arrays of one shape, one a domain, as ops of gradients take them; attributes are functions of the Draw."""

    def draw(d):
        shape = d.shape()
        return [d.array("T", shape, domain) for domain in domains], {k: value(d) for k, value in attrs.items()}

    return draw


def _bools(count):
    def draw(d):
        shape = d.shape()
        return [d.array("bool", each) for each in (shape, d.broadcast(shape))[:count]], {}

    return draw


def _with_real_type(d):
    types = {"complex64": "float32", "complex128": "float64"}
    return [d.array("T", d.shape())], {"Tout": d.dtype(types[d.types["T"].name])}


def _complex(d):
    types = {"float32": "complex64", "float64": "complex128"}
    return binary("finite")(d)[0], {"Tout": d.dtype(types[d.types["T"].name])}


def _cast(d):
    # What a number becomes that the other type does not hold hangs on the processor.
    fits = d.types["DstT"].is_floating or d.types["DstT"].is_complex
    if d.types["DstT"].is_bool:
        return [d.array("SrcT", d.shape(), "any")], {}
    return [d.array("SrcT", d.shape(), "any" if fits else "positive", low=0, high=9)], {}


def _betainc(d):
    # The gradient, in TensorFlow too, fails where b is larger than x.
    shape = d.shape()
    shapes = [shape if d.flag() else (), shape if d.flag() else (), shape]
    return [d.array("T", s, domain) for s, domain in zip(shapes, ("positive", "positive", "unit"), strict=True)], {}


def _sum(d):
    shape = d.shape()
    arrays = [d.array("T", shape) for _ in range(d.int(1, 4))]
    return [arrays], {"shape": shape} if d.op == "AccumulateNV2" else {}


def _clip(d):
    shape = d.shape()
    bounds = [d.array("T", shape if d.flag() else (), "finite", low=-4, high=4) for _ in range(2)]
    return [d.array("T", shape), *bounds], {}


def _alpha(d):
    return d.pick(0.0, 0.25, 1.5)


def _approximate(d):
    return binary("finite")(d)[0], {"tolerance": d.pick(1e-5, 0.5, 3.0)}


_REAL = ["bfloat16", "float16", "float32", "float64", "int32", "int64"]

table.add("Abs Neg Sign Square Floor Ceil Rint Round IsFinite IsInf IsNan Exp Sin Cos Tan Sinh Cosh Tanh Asinh Atan "
          "Reciprocal Inv Sqrt Log Log1p Selu Softsign Erf Erfc Invert PopulationCount "
          "ZerosLike OnesLike Conj Snapshot BesselI0e", unary())  # fmt: skip
# Their gradients, or they themselves, take a side of their own where there is no number.
table.add("Relu Relu6 Elu Sigmoid", unary("ordered"))
table.add("Softplus", unary(), tolerances={"bfloat16": 0.1})
table.add("BesselI1e", unary(), tolerances={"float16": 3e-2})
table.add("Expm1", unary(), newer=("complex64", "complex128"))
table.add("Rsqrt", unary("nonzero"))
table.add("Asin Acos Atanh", unary("symmetric"))
table.add("Acosh", unary("positive"))
table.add("Lgamma Digamma", unary("nonzero"))
table.add("Real Imag Angle ComplexAbs", _with_real_type)
table.add("Complex", _complex)
table.add("Cast", _cast)
table.add("CheckNumerics", alike("ordered", message=lambda d: b"checked"))
table.add("LeakyRelu", alike("ordered", alpha=_alpha))

table.add("Add AddV2 Sub Mul SquaredDifference Maximum Minimum Less LessEqual Greater GreaterEqual Equal "
          "NotEqual BitwiseAnd BitwiseOr BitwiseXor", binary())  # fmt: skip
# Gradients by a small divisor are sums of large numbers, of which bfloat16 leaves little.
table.add("RealDiv Div", binary("divisor", low=-9, high=9),
          gradient=("float16", "float32", "float64", "complex64", "complex128"))  # fmt: skip
table.add("FloorDiv FloorMod Mod DivNoNan MulNoNan", binary("divisor", low=-9, high=9))
table.add("TruncateDiv TruncateMod", binary("nonzero", low=1, high=9))
table.add("Pow", binary("positive", second="finite", low=-3, high=6))
table.add("LeftShift RightShift", binary(low=0, high=7))
table.add("Xdivy Xlogy", binary("finite", second="positive"))
table.add("NextAfter", binary("ordered"))
table.add("Atan2", binary("nonzero"))
table.add("Igamma Igammac IgammaGradA", binary("positive"))
table.add("Zeta Polygamma", binary("positive"), gradient=False)
table.add("Betainc", _betainc)
table.add("ApproximateEqual", _approximate)
table.add("LogicalAnd LogicalOr", _bools(2))
table.add("LogicalNot", _bools(1))

table.add("ReluGrad Relu6Grad EluGrad SeluGrad SoftplusGrad SoftsignGrad", alike("finite", "finite"))
table.add("SqrtGrad RsqrtGrad ReciprocalGrad InvGrad TanhGrad SigmoidGrad", alike("nonzero", "finite"), faults=False)
table.add("LeakyReluGrad", alike("finite", "finite", alpha=_alpha))
table.add("AddN AccumulateNV2", _sum)
table.add("ClipByValue", _clip)
