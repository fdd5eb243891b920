"""Certificates of a run: what real clients make of each kind, and how what is shown is seen."""

import contextlib
import re
import socket
import ssl
import threading

import pytest

from harness.analysis.facts import certificate_fault
from harness.model.errors import MissingEvidenceError
from harness.stack.certificate import NAME, Certificate, Certificates, number_of, until

FIRST = Certificate.made()


def server_side(certificate, folder):
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_text(certificate.chain)
    key.write_text(certificate.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


def shake_hands(certificate, folder):
    """In memory, a client that trusts the first one's authority."""
    context = ssl.create_default_context(cadata=FIRST.authority)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(back, there, server_hostname=NAME)
    server = server_side(certificate, folder).wrap_bio(there, back, server_side=True)
    for _ in range(3):
        for side in (client, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return client.getpeercert()


def test_a_renewed_one_is_trusted_as_the_first_was_and_is_another_with_the_same_key(tmp_path):
    renewed = FIRST.another("renewed")
    assert shake_hands(FIRST, tmp_path)
    assert shake_hands(renewed, tmp_path)
    assert number_of(renewed.chain) != number_of(FIRST.chain)
    assert renewed.key == FIRST.key
    assert number_of(renewed.another("renewed").chain) != number_of(renewed.chain)


@pytest.mark.parametrize("kind", ["expired", "early", "misnamed", "unknown"])
def test_one_that_must_not_be_taken_is_not_and_openssl_s_own_words_tell_why(tmp_path, kind):
    with pytest.raises(ssl.SSLCertVerificationError) as refused:
        shake_hands(FIRST.another(kind), tmp_path)
    assert certificate_fault(str(refused.value)) == {"certificate": kind}


def test_a_kind_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="there is no kind 'odd'"):
        FIRST.another("odd")


def test_neither_key_is_told_where_a_certificate_is_printed():
    assert "PRIVATE KEY" not in repr(FIRST)


@contextlib.contextmanager
def showing(certificate, folder):
    """A port of loopback where that certificate is shown."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        context = server_side(certificate, folder)

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    taken, _ = listener.accept()
                    with contextlib.suppress(OSError), context.wrap_socket(taken, server_side=True):
                        pass

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_what_is_shown_is_seen_whether_or_not_it_can_be_trusted(tmp_path):
    expired = FIRST.another("expired")
    known = Certificates()
    with showing(expired, tmp_path) as port:
        known.are_shown_at("127.0.0.1", port)
        assert number_of(known.shown()) == number_of(expired.chain)
        assert known.described() == {"certificate_until": until(expired.chain)}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", until(expired.chain))


def test_where_none_is_shown_that_is_missing_evidence_and_nothing_is_said_of_it():
    known = Certificates()
    with pytest.raises(MissingEvidenceError, match="it is not up"):
        known.shown()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    known.are_shown_at("127.0.0.1", port)
    with pytest.raises(MissingEvidenceError, match=r"edge: it shows no certificate: .*refused"):
        known.shown()
    assert known.described() == {}


def test_what_is_issued_is_of_the_run_s_own_authority_and_for_the_run_s_own_key():
    known = Certificates()
    chain, key = known.issue("renewed")
    assert key == known.first.key
    assert number_of(chain) != number_of(known.first.chain)
