"""Embeddings of words and other ids."""

from reflow.contrib.framework.variables import model_variable
from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops import embedding as ops
from reflow.ops.casting import cast
from reflow.ops.comparison import not_equal
from reflow.ops.gathering import gather, gather_nd
from reflow.ops.joining import concat
from reflow.ops.reduction import reduce_mean, reduce_prod
from reflow.ops.select import where
from reflow.ops.shape_ops import reshape, shape
from reflow.ops.unique import unique
from reflow.platform import logging
from reflow.variables.variable_scope import variable_scope


@export("contrib.layers.embed_sequence")
def embed_sequence(ids, vocab_size=None, embed_dim=None, unique=False, initializer=None, regularizer=None,
                   trainable=True, scope=None, reuse=None):  # fmt: skip
    """The embedding of each id.

    Args:
      ids: integer tensor [batch, length].
      vocab_size: the number of ids; needed unless `reuse` is set.
      embed_dim: the size of an embedding; needed unless `reuse` is set.
      unique: look each id up once.
      initializer: what initializes the embeddings [vocab_size, embed_dim].
      regularizer: a function from the embeddings to a scalar loss.
      trainable: whether they are trained.
      scope: a variable scope or its name; "EmbedSequence" made unique if None.
      reuse: True to find the embeddings of an earlier call in `scope`.

    Returns:
      [batch, length, embed_dim].

    Raises:
      ValueError: without sizes.
    """
    if not (reuse or (vocab_size and embed_dim)):
        raise ValueError("Must specify vocab size and embedding dimension when not reusing. Got vocab_size="
                         f"{vocab_size} and embed_dim={embed_dim}")  # fmt: skip
    with variable_scope(scope, "EmbedSequence", [ids], reuse=reuse):
        known = not (reuse and vocab_size is None or embed_dim is None)
        embeddings = model_variable("embeddings", shape=[vocab_size, embed_dim] if known else None,
                                    initializer=initializer, regularizer=regularizer, trainable=trainable)  # fmt: skip
        return embedding_lookup_unique(embeddings, ids) if unique else ops.embedding_lookup(embeddings, ids)


@export("contrib.layers.bow_encoder")
def bow_encoder(ids, vocab_size, embed_dim, sparse_lookup=True, initializer=None, regularizer=None, trainable=True,
                scope=None, reuse=None):  # fmt: skip
    """The mean of the embeddings of each row of ids: a bag of words.

    Args:
      ids: integer tensor or SparseTensor [batch, length].
      vocab_size: the number of ids.
      embed_dim: the size of an embedding.
      sparse_lookup: take `ids` for sparse: the id 0 in a dense tensor does not count.
      initializer: what initializes the embeddings [vocab_size, embed_dim].
      regularizer: a function from the embeddings to a scalar loss.
      trainable: whether they are trained.
      scope: a variable scope or its name; "bow_encoder" made unique if None.
      reuse: True to find the embeddings of an earlier call in `scope`.

    Returns:
      [batch, embed_dim].

    Raises:
      ValueError: without sizes.
      TypeError: for a SparseTensor with `sparse_lookup` False.
    """
    if not vocab_size or not embed_dim:
        raise ValueError("Must specify vocab size and embedding dimension")
    with variable_scope(scope, "bow_encoder", [ids], reuse=reuse):
        embeddings = model_variable("embeddings", shape=[vocab_size, embed_dim], initializer=initializer,
                                    regularizer=regularizer, trainable=trainable)  # fmt: skip
        if sparse_lookup:
            sparse_ids = ids if isinstance(ids, SparseTensor) else _without_missing(ids)
            return safe_embedding_lookup_sparse([embeddings], sparse_ids, combiner="mean", default_id=0)
        if isinstance(ids, SparseTensor):
            raise TypeError("ids are expected to be dense Tensor, got: %s", ids)
        return reduce_mean(ops.embedding_lookup(embeddings, ids), axis=1)


def _without_missing(ids):
    """Dense ids as a SparseTensor: 0 is no id, nor is an empty string."""
    with name_scope("DenseToSparseTensor"):
        ids = to_tensor(ids)
        missing = "" if ids.dtype == dtypes.string else ids.dtype.as_numpy_dtype()
        indices = where(not_equal(ids, cast(missing, ids.dtype, name="ignore_value")), name="indices")
        values = gather_nd(ids, indices, name="values")
        return SparseTensor(indices, values, shape(ids, name="dense_shape", out_type=dtypes.int64))


@export("contrib.layers.embedding_lookup_unique")
def embedding_lookup_unique(params, ids, partition_strategy="mod", name=None):
    """As `tf.nn.embedding_lookup`, each id looked up once.

    Args:
      params: the embeddings [n, ...], or a list of parts of them.
      ids: integer tensor.
      partition_strategy: "mod" or "div": how the ids are spread over parts.
      name: a name scope.

    Returns:
      [*shape of ids, ...].
    """
    with name_scope(name, "EmbeddingLookupUnique", [params, ids]):
        ids = to_tensor(ids)
        sizes = shape(ids)
        unique_ids, places = unique(reshape(ids, reduce_prod(sizes, keepdims=True)))
        found = ops.embedding_lookup(params, unique_ids, partition_strategy)
        embedded = reshape(gather(found, places), concat([sizes, shape(found)[1:]], 0))
        embedded.set_shape(ids.get_shape().concatenate(found.get_shape()[1:]))
        return embedded


@export("contrib.layers.safe_embedding_lookup_sparse")
def safe_embedding_lookup_sparse(embedding_weights, sparse_ids, sparse_weights=None, combiner=None, default_id=None,
                                 name=None, partition_strategy="div", max_norm=None):  # fmt: skip
    """As `tf.nn.safe_embedding_lookup_sparse`; the combiner is "mean", with a warning, if None."""
    if combiner is None:
        logging.warn('The default value of combiner will change from "mean" to "sqrtn" after 2016/11/01.')
        combiner = "mean"
    return ops.safe_embedding_lookup_sparse(embedding_weights, sparse_ids, sparse_weights, combiner, default_id, name,
                                            partition_strategy, max_norm)  # fmt: skip
