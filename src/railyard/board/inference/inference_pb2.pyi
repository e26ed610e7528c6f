from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ValueDType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VALUE_DTYPE_UNSPECIFIED: _ClassVar[ValueDType]
    VALUE_DTYPE_FP32: _ClassVar[ValueDType]
    VALUE_DTYPE_FP16: _ClassVar[ValueDType]
    VALUE_DTYPE_BF16: _ClassVar[ValueDType]
VALUE_DTYPE_UNSPECIFIED: ValueDType
VALUE_DTYPE_FP32: ValueDType
VALUE_DTYPE_FP16: ValueDType
VALUE_DTYPE_BF16: ValueDType

class Item(_message.Message):
    __slots__ = ("id", "board")
    ID_FIELD_NUMBER: _ClassVar[int]
    BOARD_FIELD_NUMBER: _ClassVar[int]
    id: int
    board: bytes
    def __init__(self, id: _Optional[int] = ..., board: _Optional[bytes] = ...) -> None: ...

class InferRequest(_message.Message):
    __slots__ = ("model_id", "items", "batch_id", "return_embedding", "argmax_only", "return_logits", "return_value_heads", "boards", "return_provenance")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    RETURN_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    ARGMAX_ONLY_FIELD_NUMBER: _ClassVar[int]
    RETURN_LOGITS_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUE_HEADS_FIELD_NUMBER: _ClassVar[int]
    BOARDS_FIELD_NUMBER: _ClassVar[int]
    RETURN_PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    items: _containers.RepeatedCompositeFieldContainer[Item]
    batch_id: int
    return_embedding: bool
    argmax_only: bool
    return_logits: bool
    return_value_heads: bool
    boards: bytes
    return_provenance: bool
    def __init__(self, model_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ..., batch_id: _Optional[int] = ..., return_embedding: bool = ..., argmax_only: bool = ..., return_logits: bool = ..., return_value_heads: bool = ..., boards: _Optional[bytes] = ..., return_provenance: bool = ...) -> None: ...

class HeadProbs(_message.Message):
    __slots__ = ("probs",)
    PROBS_FIELD_NUMBER: _ClassVar[int]
    probs: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, probs: _Optional[_Iterable[float]] = ...) -> None: ...

class HeadLogits(_message.Message):
    __slots__ = ("logits",)
    LOGITS_FIELD_NUMBER: _ClassVar[int]
    logits: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, logits: _Optional[_Iterable[float]] = ...) -> None: ...

class Output(_message.Message):
    __slots__ = ("heads", "embedding", "head_logits")
    HEADS_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    HEAD_LOGITS_FIELD_NUMBER: _ClassVar[int]
    heads: _containers.RepeatedCompositeFieldContainer[HeadProbs]
    embedding: bytes
    head_logits: _containers.RepeatedCompositeFieldContainer[HeadLogits]
    def __init__(self, heads: _Optional[_Iterable[_Union[HeadProbs, _Mapping]]] = ..., embedding: _Optional[bytes] = ..., head_logits: _Optional[_Iterable[_Union[HeadLogits, _Mapping]]] = ...) -> None: ...

class PolicyMetadata(_message.Message):
    __slots__ = ("head_type", "bin_count", "tokenizer_type", "vocab_labels")
    HEAD_TYPE_FIELD_NUMBER: _ClassVar[int]
    BIN_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_TYPE_FIELD_NUMBER: _ClassVar[int]
    VOCAB_LABELS_FIELD_NUMBER: _ClassVar[int]
    head_type: str
    bin_count: int
    tokenizer_type: str
    vocab_labels: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, head_type: _Optional[str] = ..., bin_count: _Optional[int] = ..., tokenizer_type: _Optional[str] = ..., vocab_labels: _Optional[_Iterable[str]] = ...) -> None: ...

class ModelMetadata(_message.Message):
    __slots__ = ("policy", "model_hash", "tokenizer_hash", "code_version", "value_heads", "input_vocab_size")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    MODEL_HASH_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_HASH_FIELD_NUMBER: _ClassVar[int]
    CODE_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALUE_HEADS_FIELD_NUMBER: _ClassVar[int]
    INPUT_VOCAB_SIZE_FIELD_NUMBER: _ClassVar[int]
    policy: PolicyMetadata
    model_hash: str
    tokenizer_hash: str
    code_version: str
    value_heads: _containers.RepeatedScalarFieldContainer[str]
    input_vocab_size: int
    def __init__(self, policy: _Optional[_Union[PolicyMetadata, _Mapping]] = ..., model_hash: _Optional[str] = ..., tokenizer_hash: _Optional[str] = ..., code_version: _Optional[str] = ..., value_heads: _Optional[_Iterable[str]] = ..., input_vocab_size: _Optional[int] = ...) -> None: ...

class ValueHeadSpec(_message.Message):
    __slots__ = ("name", "dim")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    name: str
    dim: int
    def __init__(self, name: _Optional[str] = ..., dim: _Optional[int] = ...) -> None: ...

class InferResponse(_message.Message):
    __slots__ = ("batch_id", "item_ids", "outputs", "latency_ms", "embed_dim", "embed_dtype", "embeddings_concat", "argmax_heads", "argmax_p1", "model_metadata", "value_specs", "value_dtype", "value_concat", "probs_concat", "logits_concat")
    class EmbedDType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        EMBED_DTYPE_UNSPECIFIED: _ClassVar[InferResponse.EmbedDType]
        FP32: _ClassVar[InferResponse.EmbedDType]
        BF16: _ClassVar[InferResponse.EmbedDType]
    EMBED_DTYPE_UNSPECIFIED: InferResponse.EmbedDType
    FP32: InferResponse.EmbedDType
    BF16: InferResponse.EmbedDType
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    EMBED_DIM_FIELD_NUMBER: _ClassVar[int]
    EMBED_DTYPE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDINGS_CONCAT_FIELD_NUMBER: _ClassVar[int]
    ARGMAX_HEADS_FIELD_NUMBER: _ClassVar[int]
    ARGMAX_P1_FIELD_NUMBER: _ClassVar[int]
    MODEL_METADATA_FIELD_NUMBER: _ClassVar[int]
    VALUE_SPECS_FIELD_NUMBER: _ClassVar[int]
    VALUE_DTYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_CONCAT_FIELD_NUMBER: _ClassVar[int]
    PROBS_CONCAT_FIELD_NUMBER: _ClassVar[int]
    LOGITS_CONCAT_FIELD_NUMBER: _ClassVar[int]
    batch_id: int
    item_ids: _containers.RepeatedScalarFieldContainer[int]
    outputs: _containers.RepeatedCompositeFieldContainer[Output]
    latency_ms: int
    embed_dim: int
    embed_dtype: InferResponse.EmbedDType
    embeddings_concat: bytes
    argmax_heads: _containers.RepeatedScalarFieldContainer[int]
    argmax_p1: _containers.RepeatedScalarFieldContainer[float]
    model_metadata: ModelMetadata
    value_specs: _containers.RepeatedCompositeFieldContainer[ValueHeadSpec]
    value_dtype: ValueDType
    value_concat: bytes
    probs_concat: bytes
    logits_concat: bytes
    def __init__(self, batch_id: _Optional[int] = ..., item_ids: _Optional[_Iterable[int]] = ..., outputs: _Optional[_Iterable[_Union[Output, _Mapping]]] = ..., latency_ms: _Optional[int] = ..., embed_dim: _Optional[int] = ..., embed_dtype: _Optional[_Union[InferResponse.EmbedDType, str]] = ..., embeddings_concat: _Optional[bytes] = ..., argmax_heads: _Optional[_Iterable[int]] = ..., argmax_p1: _Optional[_Iterable[float]] = ..., model_metadata: _Optional[_Union[ModelMetadata, _Mapping]] = ..., value_specs: _Optional[_Iterable[_Union[ValueHeadSpec, _Mapping]]] = ..., value_dtype: _Optional[_Union[ValueDType, str]] = ..., value_concat: _Optional[bytes] = ..., probs_concat: _Optional[bytes] = ..., logits_concat: _Optional[bytes] = ...) -> None: ...
