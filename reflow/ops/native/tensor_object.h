/* What Python's tensor objects look like to the extensions in C++. */
#ifndef REFLOW_TENSOR_OBJECT_H
#define REFLOW_TENSOR_OBJECT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <ATen/core/TensorBase.h>

/* From torch/csrc/autograd/python_variable.h, which takes ten times as long to compile as all of this. extension.py makes
 * sure that a tensor object looks like this before it loads anything. */
struct TensorObject {
    PyObject_HEAD
    at::TensorBase tensor;
};
PyObject *THPVariable_Wrap(at::TensorBase &&tensor);
extern PyObject *THPVariableClass;

static inline const at::TensorBase &tensor_of(PyObject *object)
{
    return reinterpret_cast<TensorObject *>(object)->tensor;
}

/* Not of a subclass, which may have a meaning of its own. */
static inline bool is_plain_tensor(PyObject *object)
{
    return reinterpret_cast<PyObject *>(Py_TYPE(object)) == THPVariableClass;
}

#endif
