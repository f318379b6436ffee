/* Functions in C as objects that Python calls with tensors, for reflow/ops/native/kernel.py.
 *
 * A Kernel holds a function and all of its arguments that do not change. A call checks the tensors, makes the outputs and
 * calls the function: the pointers of the inputs, those of the outputs, numbers, the number of threads, all of 64 bits. Where
 * the tensors are not what the function was bound for, or it returns anything but 0, `plain` is called in its place.
 */
#include "tensor_object.h"

#include <ATen/EmptyTensor.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace {

/* The arguments of a function, and what the array of one that takes an array has room for. */
constexpr size_t MOST_ARGUMENTS = 16, MOST_WORDS = 64;
using Words = int64_t[MOST_WORDS];

template <size_t... I>
int64_t call_with(const void *function, const Words &words, std::index_sequence<I...>)
{
    using Function = int64_t (*)(decltype((void)I, int64_t())...);
    return reinterpret_cast<Function>(const_cast<void *>(function))(words[I]...);
}

template <size_t... N>
int64_t call(const void *function, const Words &words, size_t count, std::index_sequence<N...>)
{
    using Caller = int64_t (*)(const void *, const Words &);
    static constexpr Caller callers[] = {
        [](const void *f, const Words &w) { return call_with(f, w, std::make_index_sequence<N>()); }...};
    return callers[count](function, words);
}

enum class Kind { tensor, number, ignored };

struct Input {
    Kind kind;
    at::TensorBase example;
};

struct Binding {
    const void *function = nullptr;
    const void *rows = nullptr;          /* finds the number of rows of the output */
    std::vector<Input> inputs;           /* one that is ignored is a null pointer to the function */
    std::vector<at::TensorBase> outputs; /* examples; undefined for an output that is not wanted: a null pointer */
    std::vector<int64_t> numbers;
    bool any_size = false;  /* the input is of any size, which is that of the output, and its count the number */
    bool from_list = false; /* the inputs are the items of a list, the first argument */
    bool by_rows = false;   /* an input's rows may be apart; the function takes an array of words and their count */
    int64_t parallel = 0;   /* elements from which on there is more than one thread */
    size_t wanted = 0;
};

struct Kernel {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    Binding *binding;
    PyObject *plain, *kept, *name, *signature;
};

bool fits(const at::TensorBase &tensor, const at::TensorBase &example, bool any_size)
{
    return tensor.scalar_type() == example.scalar_type() && tensor.is_cpu() && tensor.is_contiguous() &&
           (any_size || tensor.numel() == example.numel());
}

/* How far the rows of a tensor are apart; -1 if they are not all so far apart, or their numbers are not side by side. */
int64_t row_stride(const at::TensorBase &tensor, const at::TensorBase &example)
{
    const auto sizes = tensor.sizes(), strides = tensor.strides();
    if (tensor.is_contiguous())
        return example.dim() ? example.size(-1) : 1;
    if (sizes != example.sizes() || sizes.size() < 2 || strides.back() != 1)
        return -1;
    for (size_t i = sizes.size() - 2; i > 0; --i)
        if (strides[i - 1] != strides[i] * sizes[i])
            return -1;
    return strides[sizes.size() - 2];
}

/* As `read_inputs`: of each tensor two words, the pointer and how far its rows are apart. */
bool read_rows(const Binding &binding, PyObject *const *arguments, Py_ssize_t count, int64_t *words)
{
    if (count != static_cast<Py_ssize_t>(binding.inputs.size()))
        return false;
    for (size_t i = 0; i < binding.inputs.size(); ++i) {
        const at::TensorBase &example = binding.inputs[i].example;
        if (!is_plain_tensor(arguments[i]))
            return false;
        const at::TensorBase &tensor = tensor_of(arguments[i]);
        if (tensor.scalar_type() != example.scalar_type() || !tensor.is_cpu() || tensor.numel() != example.numel())
            return false;
        words[2 * i] = reinterpret_cast<int64_t>(tensor.data_ptr());
        words[2 * i + 1] = row_stride(tensor, example);
        if (words[2 * i + 1] < 0)
            return false;
    }
    return true;
}

/* The words of the arguments; false if they are not what the function was bound for. */
bool read_inputs(const Binding &binding, PyObject *const *arguments, Py_ssize_t count, int64_t *words)
{
    if (count < static_cast<Py_ssize_t>(binding.inputs.size()))
        return false;
    for (size_t i = 0; i < binding.inputs.size(); ++i) {
        PyObject *argument = arguments[i];
        const Input &input = binding.inputs[i];
        if (input.kind == Kind::ignored) {
            words[i] = 0;
        } else if (input.kind == Kind::number) {
            if (!PyLong_CheckExact(argument))
                return false;
            words[i] = static_cast<int64_t>(PyLong_AsUnsignedLongLongMask(argument));
        } else {
            if (!is_plain_tensor(argument))
                return false;
            const at::TensorBase &tensor = tensor_of(argument);
            if (!fits(tensor, input.example, binding.any_size))
                return false;
            words[i] = reinterpret_cast<int64_t>(tensor.data_ptr());
        }
    }
    return true;
}

/* The tensor that the caller gave as `out`; null if none. */
PyObject *given_output(PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i)
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), "out") == 0)
            return arguments[count + i];
    return nullptr;
}

PyObject *results(std::vector<at::TensorBase> &outputs, size_t wanted)
{
    PyObject *tuple = wanted > 1 ? PyTuple_New(static_cast<Py_ssize_t>(wanted)) : nullptr;
    Py_ssize_t position = 0;
    for (at::TensorBase &output : outputs) {
        if (!output.defined())
            continue;
        PyObject *object = THPVariable_Wrap(std::move(output));
        if (!tuple)
            return object;
        PyTuple_SET_ITEM(tuple, position++, object);
    }
    return tuple;
}

int64_t call(const Binding &binding, const Words &words, size_t count)
{
    if (binding.by_rows)
        return reinterpret_cast<int64_t (*)(const int64_t *, int64_t)>(const_cast<void *>(binding.function))(
            words, static_cast<int64_t>(count));
    return call(binding.function, words, count, std::make_index_sequence<MOST_ARGUMENTS + 1>());
}

int64_t run(const Binding &binding, const Words &words, size_t count)
{
    if (words[count - 1] == 1)
        return call(binding, words, count);
    PyThreadState *state = PyEval_SaveThread();
    const int64_t status = call(binding, words, count);
    PyEval_RestoreThread(state);
    return status;
}

/* The outputs, or null where `plain` has to be called. */
PyObject *attempt(const Binding &binding, PyObject *const *arguments, Py_ssize_t given, PyObject *names)
{
    Words words;
    const auto read = binding.by_rows ? read_rows : read_inputs;
    if (!binding.from_list) {
        if (!read(binding, arguments, given, words))
            return nullptr;
    } else if (given < 1 || !PyList_CheckExact(arguments[0]) ||
               !read(binding, PySequence_Fast_ITEMS(arguments[0]), PyList_GET_SIZE(arguments[0]), words)) {
        return nullptr;
    }
    const size_t n_outputs = binding.outputs.size(), n_inputs = binding.inputs.size() * (binding.by_rows ? 2 : 1);
    size_t count = n_inputs + n_outputs;
    for (const int64_t number : binding.numbers)
        words[count++] = binding.any_size ? tensor_of(arguments[0]).numel() : number;
    std::vector<int64_t> sizes;
    if (binding.rows) {
        Words of_rows;
        std::copy(words, words + n_inputs, of_rows);
        std::copy(binding.numbers.begin(), binding.numbers.end(), of_rows + n_inputs);
        const int64_t rows = call(binding.rows, of_rows, n_inputs + binding.numbers.size(),
                                  std::make_index_sequence<MOST_ARGUMENTS + 1>());
        if (rows < 0)
            return nullptr;
        words[count++] = rows;
        sizes = binding.outputs[0].sizes().vec();
        sizes[0] = rows;
    }
    PyObject *out = given_output(arguments, given, names);
    std::vector<at::TensorBase> outputs(n_outputs);
    for (size_t i = 0; i < n_outputs; ++i) {
        const at::TensorBase &example = binding.outputs[i];
        if (out) {
            words[n_inputs] = reinterpret_cast<int64_t>(tensor_of(out).data_ptr());
        } else if (example.defined()) {
            const auto dims = binding.any_size ? tensor_of(arguments[0]).sizes()
                              : binding.rows   ? at::IntArrayRef(sizes)
                                               : example.sizes();
            outputs[i] = at::detail::empty_cpu(dims, example.scalar_type());
            words[n_inputs + i] = reinterpret_cast<int64_t>(outputs[i].data_ptr());
        } else {
            words[n_inputs + i] = 0;
        }
    }
    const int64_t size = binding.any_size ? tensor_of(arguments[0]).numel() : 1;
    words[count++] = size >= binding.parallel ? at::get_num_threads() : 1;
    if (run(binding, words, count) != 0)
        return nullptr;
    return out ? Py_NewRef(out) : results(outputs, binding.wanted);
}

PyObject *kernel_call(PyObject *self, PyObject *const *arguments, size_t flagged, PyObject *names)
{
    const Kernel *kernel = reinterpret_cast<Kernel *>(self);
    try {
        PyObject *result = attempt(*kernel->binding, arguments, PyVectorcall_NARGS(flagged), names);
        if (result || PyErr_Occurred())
            return result;
    } catch (const std::exception &error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
        return nullptr;
    }
    return PyObject_Vectorcall(kernel->plain, arguments, flagged, names);
}

/* Tensors are examples; None is a number, Ellipsis is ignored. */
Input input_of(PyObject *item)
{
    if (item == Py_None)
        return {Kind::number, {}};
    return item == Py_Ellipsis ? Input{Kind::ignored, {}} : Input{Kind::tensor, tensor_of(item)};
}

void bind_arguments(Binding &binding, PyObject *inputs, PyObject *outputs, PyObject *numbers)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inputs); ++i)
        binding.inputs.push_back(input_of(PyTuple_GET_ITEM(inputs, i)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(outputs); ++i) {
        PyObject *item = PyTuple_GET_ITEM(outputs, i);
        binding.outputs.push_back(item == Py_None ? at::TensorBase() : tensor_of(item));
        binding.wanted += item != Py_None;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(numbers); ++i)
        binding.numbers.push_back(static_cast<int64_t>(PyLong_AsUnsignedLongLongMask(PyTuple_GET_ITEM(numbers, i))));
}

/* Kernel(function, rows, inputs, outputs, numbers, parallel, any_size, from_list, by_rows, plain, kept, name, signature) */
PyObject *kernel_new(PyTypeObject *type, PyObject *arguments, PyObject *)
{
    unsigned long long function, rows;
    PyObject *inputs, *outputs, *numbers, *plain, *kept, *name, *signature;
    long long parallel;
    int any_size, from_list, by_rows;
    if (!PyArg_ParseTuple(arguments, "KKO!O!O!LpppOOOO", &function, &rows, &PyTuple_Type, &inputs, &PyTuple_Type, &outputs,
                          &PyTuple_Type, &numbers, &parallel, &any_size, &from_list, &by_rows, &plain, &kept, &name,
                          &signature))
        return nullptr;
    /* With a word each for the rows and the threads. */
    const Py_ssize_t words = PyTuple_GET_SIZE(inputs) * (by_rows ? 2 : 1) + PyTuple_GET_SIZE(outputs) +
                             PyTuple_GET_SIZE(numbers) + 2;
    if (words > static_cast<Py_ssize_t>(by_rows ? MOST_WORDS : MOST_ARGUMENTS)) {
        PyErr_SetString(PyExc_ValueError, "a kernel has too many arguments");
        return nullptr;
    }
    auto *kernel = reinterpret_cast<Kernel *>(type->tp_alloc(type, 0));
    if (!kernel)
        return nullptr;
    auto *binding = kernel->binding = new Binding;
    binding->function = reinterpret_cast<const void *>(function);
    binding->rows = reinterpret_cast<const void *>(rows);
    bind_arguments(*binding, inputs, outputs, numbers);
    binding->any_size = any_size;
    binding->from_list = from_list;
    binding->by_rows = by_rows;
    binding->parallel = parallel;
    kernel->vectorcall = kernel_call;
    kernel->plain = Py_NewRef(plain);
    kernel->kept = Py_NewRef(kept);
    kernel->name = Py_NewRef(name);
    kernel->signature = Py_NewRef(signature);
    return reinterpret_cast<PyObject *>(kernel);
}

void kernel_free(PyObject *self)
{
    auto *kernel = reinterpret_cast<Kernel *>(self);
    delete kernel->binding;
    for (PyObject *object : {kernel->plain, kernel->kept, kernel->name, kernel->signature})
        Py_XDECREF(object);
    Py_TYPE(self)->tp_free(self);
}

PyMemberDef members[] = {
    {"__name__", T_OBJECT, offsetof(Kernel, name), READONLY, nullptr},
    {"__signature__", T_OBJECT, offsetof(Kernel, signature), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyTypeObject KernelType = {PyVarObject_HEAD_INIT(nullptr, 0)};
PyModuleDef module = {PyModuleDef_HEAD_INIT, "kernel", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};

} // namespace

PyMODINIT_FUNC PyInit_kernel(void)
{
    KernelType.tp_name = "reflow.ops.native.Kernel";
    KernelType.tp_basicsize = sizeof(Kernel);
    KernelType.tp_dealloc = kernel_free;
    KernelType.tp_vectorcall_offset = offsetof(Kernel, vectorcall);
    KernelType.tp_call = PyVectorcall_Call;
    KernelType.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL;
    KernelType.tp_members = members;
    KernelType.tp_new = kernel_new;
    PyObject *made = PyType_Ready(&KernelType) < 0 ? nullptr : PyModule_Create(&module);
    if (made && PyModule_AddObjectRef(made, "Kernel", reinterpret_cast<PyObject *>(&KernelType)) < 0)
        Py_CLEAR(made);
    return made;
}
