/* Views as objects that Python calls with a tensor, for reflow/ops/native/view.py.
 *
 * A View holds the sizes, strides and offsets that its tensors have in the memory of one that is contiguous. For other
 * tensors `plain` is called in its place.
 */
#include "tensor_object.h"

#include <cstddef>
#include <vector>

namespace {

struct Layout {
    std::vector<int64_t> sizes, strides;
    int64_t offset;
};

struct Views {
    Py_ssize_t position; /* of the tensor among the arguments */
    int64_t count;       /* its elements */
    bool is_list;
    std::vector<Layout> layouts;
};

struct View {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    Views *views;
    PyObject *plain, *name, *signature;
};

PyObject *make(const at::TensorBase &tensor, const Layout &layout)
{
    auto impl = c10::make_intrusive<c10::TensorImpl>(c10::TensorImpl::VIEW, c10::Storage(tensor.storage()),
                                                     tensor.key_set(), tensor.dtype());
    impl->set_sizes_and_strides(layout.sizes, layout.strides, tensor.storage_offset() + layout.offset);
    return THPVariable_Wrap(at::TensorBase(std::move(impl)));
}

PyObject *make_all(const at::TensorBase &tensor, const Views &views)
{
    if (!views.is_list)
        return make(tensor, views.layouts[0]);
    PyObject *list = PyList_New(static_cast<Py_ssize_t>(views.layouts.size()));
    for (size_t i = 0; list && i < views.layouts.size(); ++i)
        PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), make(tensor, views.layouts[i]));
    return list;
}

PyObject *view_call(PyObject *self, PyObject *const *arguments, size_t flagged, PyObject *names)
{
    const View *view = reinterpret_cast<View *>(self);
    const Views &views = *view->views;
    try {
        if (PyVectorcall_NARGS(flagged) > views.position && is_plain_tensor(arguments[views.position])) {
            const at::TensorBase &tensor = tensor_of(arguments[views.position]);
            if (tensor.numel() == views.count && tensor.is_contiguous())
                return make_all(tensor, views);
        }
    } catch (const std::exception &error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
        return nullptr;
    }
    return PyObject_Vectorcall(view->plain, arguments, flagged, names);
}

/* View(position, count, [tensors of the layouts], is_list, plain, name, signature) */
PyObject *view_new(PyTypeObject *type, PyObject *arguments, PyObject *)
{
    Py_ssize_t position;
    long long count;
    PyObject *examples, *plain, *name, *signature;
    int is_list;
    if (!PyArg_ParseTuple(arguments, "nLO!pOOO", &position, &count, &PyList_Type, &examples, &is_list, &plain, &name,
                          &signature))
        return nullptr;
    auto *view = reinterpret_cast<View *>(type->tp_alloc(type, 0));
    if (!view)
        return nullptr;
    view->views = new Views{position, count, is_list != 0, {}};
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(examples); ++i) {
        const at::TensorBase &example = tensor_of(PyList_GET_ITEM(examples, i));
        view->views->layouts.push_back({example.sizes().vec(), example.strides().vec(), example.storage_offset()});
    }
    view->vectorcall = view_call;
    view->plain = Py_NewRef(plain);
    view->name = Py_NewRef(name);
    view->signature = Py_NewRef(signature);
    return reinterpret_cast<PyObject *>(view);
}

void view_free(PyObject *self)
{
    auto *view = reinterpret_cast<View *>(self);
    delete view->views;
    for (PyObject *object : {view->plain, view->name, view->signature})
        Py_XDECREF(object);
    Py_TYPE(self)->tp_free(self);
}

PyMemberDef members[] = {
    {"__name__", T_OBJECT, offsetof(View, name), READONLY, nullptr},
    {"__signature__", T_OBJECT, offsetof(View, signature), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyTypeObject ViewType = {PyVarObject_HEAD_INIT(nullptr, 0)};
PyModuleDef module = {PyModuleDef_HEAD_INIT, "view", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};

} // namespace

PyMODINIT_FUNC PyInit_view(void)
{
    ViewType.tp_name = "reflow.ops.native.View";
    ViewType.tp_basicsize = sizeof(View);
    ViewType.tp_dealloc = view_free;
    ViewType.tp_vectorcall_offset = offsetof(View, vectorcall);
    ViewType.tp_call = PyVectorcall_Call;
    ViewType.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL;
    ViewType.tp_members = members;
    ViewType.tp_new = view_new;
    PyObject *made = PyType_Ready(&ViewType) < 0 ? nullptr : PyModule_Create(&module);
    if (made && PyModule_AddObjectRef(made, "View", reinterpret_cast<PyObject *>(&ViewType)) < 0)
        Py_CLEAR(made);
    return made;
}
