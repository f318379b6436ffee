/* Checks of many tensors in one call, for reflow/ops/native/columns.py: variables, their slots and gradients. */
#include "tensor_object.h"

#include <vector>

namespace {

/* The tensors of `count` lists of one length, column by column; false with an error set if they are something else. */
bool read_columns(PyObject *const *columns, Py_ssize_t count, std::vector<const at::TensorBase *> &tensors)
{
    for (Py_ssize_t i = 0; i < count; ++i) {
        if (!PyList_CheckExact(columns[i]) || PyList_GET_SIZE(columns[i]) != PyList_GET_SIZE(columns[0])) {
            PyErr_SetString(PyExc_TypeError, "columns have to be lists of one length");
            return false;
        }
        for (Py_ssize_t j = 0; j < PyList_GET_SIZE(columns[i]); ++j) {
            PyObject *item = PyList_GET_ITEM(columns[i], j);
            tensors.push_back(is_plain_tensor(item) ? &tensor_of(item) : nullptr);
        }
    }
    return true;
}

PyObject *have_one_shape(PyObject *, PyObject *const *columns, Py_ssize_t count)
{
    std::vector<const at::TensorBase *> tensors;
    if (!read_columns(columns, count, tensors))
        return nullptr;
    const size_t rows = count ? tensors.size() / static_cast<size_t>(count) : 0;
    for (size_t i = 0; i < tensors.size(); ++i)
        if (!tensors[i] || !tensors[i % rows] || tensors[i]->sizes() != tensors[i % rows]->sizes())
            Py_RETURN_FALSE;
    Py_RETURN_TRUE;
}

/* (pointers, counts of elements of the first column) as bytes; None if a tensor is not float32, dense, on the CPU. */
PyObject *addresses(PyObject *, PyObject *const *columns, Py_ssize_t count)
{
    std::vector<const at::TensorBase *> tensors;
    if (!read_columns(columns, count, tensors))
        return nullptr;
    std::vector<int64_t> pointers, counts;
    for (const at::TensorBase *tensor : tensors) {
        if (!tensor || tensor->scalar_type() != at::kFloat || !tensor->is_cpu() || !tensor->is_contiguous())
            Py_RETURN_NONE;
        pointers.push_back(reinterpret_cast<int64_t>(tensor->data_ptr()));
    }
    for (size_t i = 0; count && i < tensors.size() / static_cast<size_t>(count); ++i)
        counts.push_back(tensors[i]->numel());
    return Py_BuildValue("y#y#", reinterpret_cast<const char *>(pointers.data()),
                         static_cast<Py_ssize_t>(pointers.size() * sizeof(int64_t)),
                         reinterpret_cast<const char *>(counts.data()),
                         static_cast<Py_ssize_t>(counts.size() * sizeof(int64_t)));
}

PyMethodDef methods[] = {
    {"have_one_shape", reinterpret_cast<PyCFunction>(reinterpret_cast<void *>(have_one_shape)), METH_FASTCALL, nullptr},
    {"addresses", reinterpret_cast<PyCFunction>(reinterpret_cast<void *>(addresses)), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyModuleDef module = {PyModuleDef_HEAD_INIT, "columns", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

} // namespace

PyMODINIT_FUNC PyInit_columns(void) { return PyModule_Create(&module); }
