"""A model as a 1.x program: a graph and a session. Reflow and both TensorFlows run this same file."""

from itertools import cycle

from benchmarks import devices
from benchmarks.implementations import session_config
from benchmarks.models.base import SEED, batches, initial_values


class SessionProgram:
    def __init__(self, tf, model, mode, batch, batch_count):
        self.tf, self.model = tf, model
        self._batches = batches(model, batch, batch_count)
        place = "/gpu:0" if devices.chosen() == devices.GPU else None
        with tf.Graph().as_default() as graph, tf.device(place):
            tf.set_random_seed(SEED)
            self._build(mode)
            self.session = tf.Session(graph=graph, config=session_config(tf))
            self._initialize()
        if mode == "inference":
            self._freeze(graph)
        self._feeds = cycle([self._feed(arrays) for arrays in self._batches])

    def _build(self, mode):
        tf, model = self.tf, self.model
        self._placeholders = {
            name: tf.placeholder(tf.as_dtype(array.dtype), array.shape, name=name)
            for name, array in self._batches[0].items()
        }
        self._variables = {
            name: tf.get_variable(name, shape, tf.float32, initializer=tf.zeros_initializer())
            for name, (shape, _) in model.parameters().items()
        }
        training = mode == "train"
        logits = model.tf_logits(tf, self._variables, self._placeholders, training)
        logits = tf.identity(logits, name="output")
        if training:
            self._loss = self._build_loss(logits)
            self._fetch = self._update()
        else:
            self._fetch = logits
            del self._placeholders["labels"]

    def _build_loss(self, logits):
        tf, model = self.tf, self.model
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=self._placeholders["labels"], logits=logits)
        loss = tf.reduce_mean(losses)
        if model.loss_scale != 1.0:
            loss = loss * model.loss_scale
        for name, factor in model.decay.items():
            loss += factor * tf.nn.l2_loss(self._variables[name])
        return loss

    def _update(self):
        tf, model = self.tf, self.model
        if model.optimizer == "adam":
            optimizer = tf.train.AdamOptimizer(model.learning_rate)
        else:
            optimizer = tf.train.GradientDescentOptimizer(model.learning_rate)
        if model.clip_norm is None:
            return optimizer.minimize(self._loss)
        variables = list(self._variables.values())
        gradients, _ = tf.clip_by_global_norm(tf.gradients(self._loss, variables), model.clip_norm)
        return optimizer.apply_gradients(zip(gradients, variables))

    def _initialize(self):
        self.session.run(self.tf.global_variables_initializer())
        for name, value in initial_values(self.model).items():
            self._variables[name].load(value, self.session)

    def _freeze(self, graph):
        tf = self.tf
        frozen = tf.graph_util.convert_variables_to_constants(self.session, graph.as_graph_def(), ["output"])
        self.session.close()
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(frozen, name="")
            self.session = tf.Session(graph=graph, config=session_config(tf))
        self._placeholders = {name: graph.get_tensor_by_name(name + ":0") for name in self._placeholders}
        self._fetch = graph.get_tensor_by_name("output:0")

    def _feed(self, arrays):
        return {placeholder: arrays[name] for name, placeholder in self._placeholders.items()}

    def step(self):
        self.session.run(self._fetch, feed_dict=next(self._feeds))
        devices.wait()

    def loss(self):
        return float(self.session.run([self._loss, self._fetch], feed_dict=next(self._feeds))[0])
