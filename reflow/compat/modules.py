"""The one table of TensorFlow's module paths below its public API, and what of Reflow each of them offers.

Programs of the 1.x time import from TensorFlow's own files: `from tensorflow.python.ops import array_ops`. A row says
where the names of such a module are looked up, in order:

- "." is the public root, "nn" or "saved_model.loader" a public namespace below it: whatever is exported there appears
  here too, so a new operation needs no new row;
- "@reflow.graph.dtypes" is a module of Reflow, for the names that were never public.

A single name is published under a legacy path where it is defined, with
`@export("python.ops.control_flow_ops.with_dependencies")`; such names come before the row's sources.

`tensorflow.core.….NAME_pb2`, `tensorflow.contrib.NAME.python.…` and every public namespace follow rules, not rows: see
`legacy_module.py`.
"""

# (package below "tensorflow.", modules in it, sources)
_ROWS = [
    ("python", "", "."),
    # What a program is.
    ("python.framework", "constant_op function importer load_library sparse_tensor indexed_slices", "."),
    ("python.framework", "device device_spec", ". @reflow.graph.device"),
    ("python.framework", "tensor_spec framework_lib smart_cond common_shapes", "."),
    ("python.framework", "random_seed", ". random"),
    ("python.framework", "ops",
     ". @reflow.graph.graph @reflow.graph.operation @reflow.graph.convert @reflow.graph.statistics"),
    ("python.framework", "dtypes", "dtypes . @reflow.graph.dtypes"),
    ("python.framework", "tensor_shape", ". @reflow.graph.shapes"),
    ("python.framework", "type_spec", ". @reflow.graph.type_spec"),
    ("python.framework", "errors errors_impl", "errors . @reflow.graph.errors"),
    ("python.framework", "graph_util graph_util_impl convert_to_constants", "graph_util ."),
    ("python.framework", "graph_io meta_graph", "train io ."),
    ("python.framework", "tensor_util", ". contrib.util @reflow.graph.tensor_proto"),
    ("python.framework", "op_def_registry registry", "@reflow.graph.registry"),
    ("python.framework", "test_util", "test . @reflow.testing"),
    ("python.framework", "versions", "version . @reflow.platform.versions"),
    ("python.framework", "config", "config.experimental config ."),
    ("python.compiler.xla", "jit", "@reflow.graph.jit_scope"),
    # Operations.
    ("python.ops", "array_ops manip_ops sort_ops inplace_ops", ". manip"),
    ("python.ops", "math_ops special_math_ops bitwise_ops numerics", ". math bitwise debugging"),
    ("python.ops", "confusion_matrix", ". @reflow.ops.confusion_matrix"),
    ("python.ops", "state_ops", "."),
    ("python.ops", "variables",
     ". @reflow.variables.variable @reflow.variables.ref_variable @reflow.variables.partitioned_variable"),
    ("python.ops", "resource_variable_ops", ". @reflow.variables.resource_variable"),
    ("python.ops", "session_ops", ". @reflow.ops.session_tensors"),
    ("python.ops", "template", ". @reflow.variables.template"),
    ("python.ops", "control_flow_ops",
     ". @reflow.ops.control @reflow.ops.control_flow @reflow.ops.control_flow_context"),
    ("python.ops", "functional_ops map_fn tensor_array_ops script_ops logging_ops", "."),
    ("python.ops", "data_flow_ops batch_ops critical_section_ops", ". lookup queue @reflow.ops.staging"),
    ("python.ops", "lookup_ops", "@reflow.lookup.vocabulary @reflow.lookup.static @reflow.lookup.mutable "
     "@reflow.lookup.initializers lookup ."),
    ("python.ops", "collective_ops", ""),
    ("python.ops", "histogram_ops standard_ops", "."),
    ("python.ops", "weights_broadcast_ops", "@reflow.ops.weights_broadcast"),
    ("python.ops", "variable_scope partitioned_variables", "."),
    ("python.ops", "init_ops init_ops_v2 initializers_ns", ". initializers keras.initializers "
     "@reflow.variables.initializers @reflow.variables.convolution_initializers"),
    ("python.ops", "random_ops stateless_random_ops candidate_sampling_ops", "random . nn"),
    ("python.ops", "gradients gradients_impl gradients_util custom_gradient unconnected_gradients", "."),
    ("python.ops", "gradient_checker gradient_checker_v2", "test"),
    ("python.ops", "clip_ops embedding_ops linalg_ops linalg_ops_impl spectral_ops", ". nn linalg spectral signal"),
    ("python.ops", "check_ops", "debugging ."),
    ("python.ops", "nn nn_ops nn_impl ctc_ops", "nn ."),
    ("python.ops", "rnn", "nn"),
    ("python.ops", "rnn_cell rnn_cell_impl", "nn.rnn_cell"),
    ("python.ops", "sparse_ops", "sparse ."),
    ("python.ops", "sets sets_impl", "sets"),
    ("python.ops", "string_ops", ". strings"),
    ("python.ops", "io_ops parsing_ops", "io ."),
    ("python.ops", "image_ops image_ops_impl", "image"),
    ("python.ops", "metrics metrics_impl", "metrics @reflow.metrics.state"),
    ("python.ops", "summary_ops summary_op_util", "summary"),
    ("python.ops.losses", "losses losses_impl util loss_reduction", "losses"),
    ("python.ops.linalg", "linalg linalg_impl linear_operator linear_operator_adjoint", "linalg"),
    ("python.ops.linalg", "linear_operator_block_diag linear_operator_circulant linear_operator_composition", "linalg"),
    ("python.ops.linalg", "linear_operator_diag linear_operator_full_matrix linear_operator_householder", "linalg"),
    ("python.ops.linalg", "linear_operator_identity linear_operator_inversion linear_operator_kronecker", "linalg"),
    ("python.ops.linalg", "linear_operator_low_rank_update linear_operator_lower_triangular", "linalg"),
    ("python.ops.linalg", "linear_operator_toeplitz linear_operator_zeros", "linalg"),
    ("python.ops.signal", "signal fft_ops dct_ops mel_ops mfcc_ops spectral_ops window_ops shape_ops", "signal"),
    ("python.ops.signal", "reconstruction_ops", "signal"),
    ("python.ops.ragged", "ragged_tensor", "ragged . @reflow.ragged.tensor"),
    ("python.ops.ragged", "ragged_factory_ops ragged_array_ops ragged_math_ops ragged_functional_ops", "ragged ."),
    ("python.ops.ragged", "ragged_concat_ops ragged_gather_ops ragged_batch_gather_ops ragged_squeeze_op", "ragged ."),
    ("python.ops.ragged", "ragged_where_op ragged_tensor_value segment_id_ops", "ragged ."),
    ("python.ops.ragged", "ragged_string_ops", "strings ."),
    ("python.ops.distributions", "distributions distribution bernoulli beta categorical dirichlet", "distributions"),
    ("python.ops.distributions", "exponential gamma laplace multinomial normal student_t uniform", "distributions"),
    ("python.ops.distributions", "dirichlet_multinomial kullback_leibler", "distributions"),
    # The generated functions, one an operation: `raw_ops` under snake case names.
    ("python.ops", "gen_audio_ops gen_batch_ops gen_boosted_trees_ops gen_checkpoint_ops", "raw_ops"),
    ("python.ops", "gen_clustering_ops gen_collective_ops gen_cudnn_rnn_ops gen_decode_proto_ops", "raw_ops"),
    ("python.ops", "gen_encode_proto_ops gen_experimental_dataset_ops gen_nccl_ops", "raw_ops"),
    ("python.ops", "gen_ragged_array_ops gen_ragged_conversion_ops gen_ragged_math_ops gen_rnn_ops", "raw_ops"),
    ("python.ops", "gen_sdca_ops gen_stateful_random_ops gen_tensor_forest_ops gen_tpu_ops gen_user_ops", "raw_ops"),
    ("python.ops", "gen_array_ops gen_bitwise_ops gen_candidate_sampling_ops gen_control_flow_ops", "raw_ops"),
    ("python.ops", "gen_ctc_ops gen_data_flow_ops gen_dataset_ops gen_functional_ops gen_image_ops", "raw_ops"),
    ("python.ops", "gen_io_ops gen_linalg_ops gen_list_ops gen_logging_ops gen_lookup_ops gen_manip_ops", "raw_ops"),
    ("python.ops", "gen_math_ops gen_nn_ops gen_parsing_ops gen_random_ops gen_resource_variable_ops", "raw_ops"),
    ("python.ops", "gen_script_ops gen_set_ops gen_sparse_ops gen_spectral_ops gen_state_ops", "raw_ops"),
    ("python.ops", "gen_stateless_random_ops gen_string_ops gen_summary_ops", "raw_ops"),
    ("python.training", "gen_training_ops training_ops", "raw_ops"),
    # Running and training.
    ("python.client", "session", "."),
    ("python.client", "device_lib", "@reflow.engine.devices"),
    ("python.profiler", "model_analyzer profiler profiler_client tfprof_logger", "profiler @reflow.profiler.op_log"),
    ("python.profiler", "option_builder", "profiler @reflow.profiler.options"),
    ("python.client", "timeline", "@reflow.engine.timeline"),
    ("python.training", "adadelta adagrad adagrad_da adam ftrl gradient_descent momentum optimizer rmsprop", "train"),
    ("python.training", "proximal_adagrad proximal_gradient_descent sync_replicas_optimizer", "train"),
    ("python.training", "learning_rate_decay moving_averages slot_creator training training_util", "train"),
    ("python.training", "saver checkpoint_management checkpoint_utils warm_starting_util", "train"),
    ("python.training", "basic_session_run_hooks session_run_hook monitored_session session_manager", "train"),
    ("python.training", "basic_loops coordinator queue_runner queue_runner_impl supervisor server_lib", "train"),
    ("python.training", "device_setter input evaluation summary_io", "train"),
    ("python.training", "distribution_strategy_context distribute", "distribute"),
    ("python.training.saving", "saveable_object saveable_object_util", ""),
    ("python.training.tracking", "base tracking util", "train"),
    ("python.summary", "summary", "summary"),
    ("python.summary", "summary_iterator", "train"),
    ("python.summary.writer", "writer writer_cache event_file_writer", "summary"),
    ("python.lib.io", "file_io", "@reflow.platform.file_io @reflow.platform.gfile"),
    ("python.lib.io", "python_io tf_record", "python_io io"),
    ("python", "pywrap_tensorflow", "pywrap_tensorflow train ."),
    # Libraries.
    ("python.layers", "layers base core convolutional normalization pooling", "layers"),
    ("python.layers", "utils", "layers @reflow.layers.arguments"),
    ("python.estimator", "estimator estimator_lib run_config model_fn training", "estimator"),
    ("python.feature_column", "feature_column feature_column_lib", "feature_column"),
    ("python.data.ops", "dataset_ops iterator_ops readers optional_ops", "data"),
    ("python.data.util", "nest", "@reflow.graph.nest"),
    ("python.saved_model", "builder builder_impl", "saved_model.builder saved_model"),
    ("python.saved_model", "loader loader_impl", "saved_model.loader saved_model"),
    ("python.saved_model", "main_op", "saved_model.main_op saved_model"),
    ("python.saved_model", "signature_constants", "saved_model.signature_constants"),
    ("python.saved_model", "signature_def_utils", "saved_model.signature_def_utils"),
    ("python.saved_model", "tag_constants", "saved_model.tag_constants"),
    ("python.saved_model", "utils", "saved_model.utils"),
    ("python.saved_model", "simple_save saved_model constants", "saved_model"),
    ("python.eager", "context backprop function def_function", "contrib.eager ."),
    ("python.tools", "freeze_graph inspect_checkpoint optimize_for_inference_lib strip_unused_lib", ""),
    ("python.user_ops", "user_ops", "user_ops"),
    ("python.module", "module", "."),
    # Around the program.
    ("python.platform", "app", "app @reflow.platform.app"),
    ("python.platform", "flags", "@reflow.platform.flags"),
    ("python.platform", "gfile", "gfile @reflow.platform.gfile"),
    ("python.platform", "tf_logging", "logging . @reflow.platform.logging"),
    ("python.platform", "resource_loader", "resource_loader"),
    ("python.platform", "sysconfig build_info", "sysconfig"),
    ("python.platform", "test googletest benchmark", "test"),
    ("python.util", "compat", "compat @reflow.platform.compat_text"),
    ("python.util", "nest", "@reflow.graph.nest"),
    ("python.util", "deprecation", "@reflow.platform.deprecation"),
    ("python.util", "tf_inspect", "@reflow.compat.inspection"),
    ("python.util", "tf_export tf_decorator tf_contextlib decorator_utils", "@reflow.compat.decorators"),
    ("python.util", "function_utils keyword_args lazy_loader tf_should_use", "@reflow.compat.decorators"),
    ("python.compat", "compat", "compat"),
    ("examples.tutorials.mnist", "input_data", "@reflow.data_sets.input_data"),
    ("examples.tutorials.mnist", "mnist", "@reflow.compat.mnist_model"),
    ("contrib.framework.python.ops", "audio_ops", "audio raw_ops"),
    ("contrib.layers.python.layers", "utils", "contrib.slim.utils"),
    ("contrib.learn.python.learn.datasets", "mnist", "@reflow.data_sets.input_data"),
]


# Packages that have names beside their modules.
_PACKAGE_ROWS = {
    "python.ops.losses": "losses",
    "python.ops.linalg": "linalg",
    "python.ops.signal": "signal",
    "python.ops.distributions": "distributions",
    "python.layers": "layers",
    "python.estimator": "estimator",
    "python.feature_column": "feature_column",
    "python.saved_model": "saved_model",
    "contrib.framework.python": "contrib.framework",
    "contrib.framework.python.ops": "contrib.framework",
    "contrib.layers.python": "contrib.layers",
    "contrib.layers.python.layers": "contrib.layers",
}


def _table() -> dict[str, tuple[str, ...]]:
    table = {
        f"{package}.{module}".rstrip("."): tuple(sources.split())
        for package, modules, sources in _ROWS
        for module in modules.split() or [""]
    }
    for path in list(table):
        package = path.rpartition(".")[0]
        while package:
            table.setdefault(package, tuple(_PACKAGE_ROWS.get(package, "").split()))
            package = package.rpartition(".")[0]
    return table


# Every module and package of the table: its path below "tensorflow." to its sources.
SOURCES: dict[str, tuple[str, ...]] = _table()
# Those of them that have nothing below them.
MODULES = frozenset(SOURCES) - {path.rpartition(".")[0] for path in SOURCES}
