"""The full-text index on disk: tantivy, with our own tokens. Why tantivy: docs/adr/0012-search.md.

Everything here blocks. One thread writes; any number of threads search meanwhile, in what was last committed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from forum.tokens import Term, letters_of, tokens_of

if TYPE_CHECKING:
    import tantivy

FORMAT = 1
"""Counts the changes of fields and tokens: an index of another format is built anew."""

HITS_MAX = 200
WRITER_BYTES = 50_000_000
"""Memory of what is not on disk yet; more makes fewer and larger segments."""

TITLE_BOOST = 2.0
"""A word in a title counts for so many in a text."""

_NUMBERS = ("key", "post_id", "category_id", "author_id", "is_reply", "tag_ids")
_TEXTS = ("title", "text")


class Document(NamedTuple):
    """A post or a reply, as far as it can be found.

    Attributes:
        post_id: The post, or the one that the reply belongs to.
        reply_id: The reply; 0 if it is the post.
        category_id: The post's.
        author_id: Its own.
        tag_ids: The post's.
        created_seconds: Since 1970.
        title: Empty for a reply.
        text: Without markup.
    """

    post_id: int
    reply_id: int
    category_id: int
    author_id: int
    tag_ids: tuple[int, ...]
    created_seconds: int
    title: str
    text: str


class Found(NamedTuple):
    """A hit: `reply_id` is 0 if it is the post; `score` is BM25."""

    post_id: int
    reply_id: int
    created_seconds: int
    score: float


class Placed(NamedTuple):
    """What is indexed of a post that its replies have too."""

    category_id: int
    tag_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query.

    Attributes:
        terms: All of them must be found, each in the title or in the text; at least one.
        category_ids: Only in these; empty is all.
        hidden_category_ids: In none of these.
        author_id: Only by this user; 0 is all.
        tag_id: Only with this tag; 0 is all.
        is_reply: Only posts or only replies; None is both.
    """

    terms: Sequence[Term]
    category_ids: Sequence[int] = ()
    hidden_category_ids: Sequence[int] = ()
    author_id: int = 0
    tag_id: int = 0
    is_reply: bool | None = None


class SearchIndex:
    """One index in one folder.

    Args:
        path: An existing folder: empty, or with an index of this format.

    Raises:
        ValueError: What is there is no index of this format, or another process writes to it.
        OSError: The folder cannot be used.
    """

    def __init__(self, path: Path) -> None:
        import tantivy  # some megabytes that only the process which searches needs

        self._tantivy = tantivy
        self._index = tantivy.Index(_schema(), str(path))
        self._schema = self._index.schema
        self._index.config_reader("manual")
        self._writer: Any = self._index.writer(WRITER_BYTES, 1)

    @property
    def document_count(self) -> int:
        """Documents that were last committed."""
        return self._index.searcher().num_docs

    def put(self, documents: Iterable[Document]) -> None:
        """Add documents; one that is there already is replaced."""
        for document in documents:
            key = _key(document.post_id, document.reply_id)
            self._writer.delete_documents_by_term("key", key)
            self._add(key, document)

    def put_new(self, documents: Iterable[Document]) -> None:
        """Add documents that are not there."""
        for document in documents:
            self._add(_key(document.post_id, document.reply_id), document)

    def drop_posts(self, post_ids: Iterable[int]) -> None:
        """Remove posts with all their replies."""
        for post_id in post_ids:
            self._writer.delete_documents_by_term("post_id", post_id)

    def drop_replies(self, reply_ids: Iterable[int]) -> None:
        """Remove replies."""
        for reply_id in reply_ids:
            self._writer.delete_documents_by_term("key", _key(0, reply_id))

    def commit(self) -> None:
        """Write what was changed to the disk, and let it be found."""
        self._writer.commit()
        self._index.reload()

    def close(self) -> None:
        """Give up writing at once; what is not committed is lost. Searches may go on."""
        self._writer = None

    def find_posts(self, post_ids: Sequence[int]) -> dict[int, Placed]:
        """Return what was last committed of posts; without those that are not indexed."""
        if not post_ids:
            return {}
        searcher = self._index.searcher()
        keys = [_key(post_id, 0) for post_id in post_ids]
        query = self._tantivy.Query.term_set_query(self._schema, "key", keys)
        found: dict[int, Placed] = {}
        for _, address in searcher.search(query, limit=len(keys), count=False).hits:
            document: Any = searcher.doc(address)
            placed = Placed(document.get_first("category_id"), tuple(document.get_all("tag_ids")))
            found[document.get_first("key") // 2] = placed
        return found

    def search(self, wanted: Wanted) -> list[Found]:
        """Return the `HITS_MAX` best hits by BM25, best first."""
        searcher = self._index.searcher()
        hits = searcher.search(self._query(wanted), limit=HITS_MAX, count=False).hits
        addresses = [address for _, address in hits]
        keys, post_ids, times = (
            searcher.fast_field_values(name, addresses) for name in ("key", "post_id", "created_seconds")
        )
        return [
            Found(int(post_id or 0), int(key or 0) // 2 if int(key or 0) % 2 else 0, int(seconds or 0), score)
            for (score, _), key, post_id, seconds in zip(hits, keys, post_ids, times, strict=True)
        ]

    def _add(self, key: int, document: Document) -> None:
        values = {
            "key": key,
            "post_id": document.post_id,
            "category_id": document.category_id,
            "author_id": document.author_id,
            "is_reply": int(document.reply_id > 0),
            "tag_ids": list(document.tag_ids),
            "created_seconds": max(0, document.created_seconds),
            "title": " ".join(tokens_of(document.title)),
            "text": " ".join(tokens_of(document.text)),
            "letters": " ".join(letters_of(document.title) | letters_of(document.text)),
        }
        self._writer.add_document(self._tantivy.Document.from_dict(values, self._schema))

    def _query(self, wanted: Wanted) -> "tantivy.Query":
        query, occur = self._tantivy.Query, self._tantivy.Occur
        parts = [(occur.Must, self._term_query(term)) for term in wanted.terms]
        filters: list[tuple[str, Sequence[int]]] = []
        if wanted.category_ids:
            filters.append(("category_id", wanted.category_ids))
        if wanted.author_id:
            filters.append(("author_id", [wanted.author_id]))
        if wanted.tag_id:
            filters.append(("tag_ids", [wanted.tag_id]))
        if wanted.is_reply is not None:
            filters.append(("is_reply", [int(wanted.is_reply)]))
        for name, values in filters:
            only = query.term_set_query(self._schema, name, values)
            parts.append((occur.Must, query.const_score_query(only, 0.0)))
        if wanted.hidden_category_ids:
            hidden = query.term_set_query(self._schema, "category_id", wanted.hidden_category_ids)
            parts.append((occur.MustNot, hidden))
        return parts[0][1] if len(parts) == 1 else query.boolean_query(parts)

    def _term_query(self, term: Term) -> "tantivy.Query":
        query, occur = self._tantivy.Query, self._tantivy.Occur
        parts = []
        if tokens := term.tokens:
            in_title, in_text = (self._tokens_query(name, tokens) for name in _TEXTS)
            boosted = query.boost_query(in_title, TITLE_BOOST)
            parts.append((occur.Must, query.boolean_query([(occur.Should, boosted), (occur.Should, in_text)])))
        if letter := term.letter:
            parts.append((occur.Must, query.term_query(self._schema, "letters", letter, index_option="basic")))
        return parts[0][1] if len(parts) == 1 else query.boolean_query(parts)

    def _tokens_query(self, name: str, tokens: list[str]) -> "tantivy.Query":
        query = self._tantivy.Query
        if len(tokens) == 1:
            return query.term_query(self._schema, name, tokens[0])
        return query.phrase_query(self._schema, name, [*tokens])


def _key(post_id: int, reply_id: int) -> int:
    """Return the one number of a post or a reply."""
    return reply_id * 2 + 1 if reply_id else post_id * 2


def _schema() -> "tantivy.Schema":
    import tantivy

    builder = tantivy.SchemaBuilder()
    for name in _NUMBERS:
        builder.add_integer_field(
            name,
            indexed=True,
            fast=name in ("key", "post_id"),
            stored=name in ("key", "category_id", "tag_ids"),
        )
    builder.add_integer_field("created_seconds", fast=True)
    for name in _TEXTS:
        builder.add_text_field(name, tokenizer_name="whitespace")
    builder.add_text_field("letters", tokenizer_name="whitespace", index_option="basic")
    return builder.build()
