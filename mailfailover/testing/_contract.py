"""
The contract of a provider, as tests.
"""

from __future__ import annotations

from mailfailover._values.face import published_in
from mailfailover.testing import _contract_answers as answers
from mailfailover.testing import _contract_batches as batches
from mailfailover.testing import _contract_content as content
from mailfailover.testing import _contract_files as files
from mailfailover.testing import _contract_forms as forms
from mailfailover.testing import _contract_mail as mail
from mailfailover.testing import _contract_meaning as meaning
from mailfailover.testing import _contract_merges as merges
from mailfailover.testing import _contract_purity as purity
from mailfailover.testing import _contract_recipients as recipients
from mailfailover.testing import _contract_shape as shape
from mailfailover.testing import _contract_simple as simple
from mailfailover.testing import _contract_time as time
from mailfailover.testing import _contract_wire as wire
from mailfailover.testing._claim import claim, each
from mailfailover.testing._content_samples import EXACT, LARGE, PEOPLE, TIMED
from mailfailover.testing._contract_concerns import (
    has_batch,
    has_keys,
    has_partial,
    has_ping_answers,
    has_requests,
    is_http,
    is_simple,
    is_smtp,
    where,
)
from mailfailover.testing._contract_subject import Subject
from mailfailover.testing._marked import MARKED
from mailfailover.testing._merge_samples import CROWD, ODD, TOGETHER
from mailfailover.testing._samples import SAMPLES

__all__ = ["ProviderContract"]


@published_in("mailfailover.testing")
class ProviderContract(Subject):
    """
    The promises of every provider, as a pytest suite: subclass it and set *provider*.

    ::

        class TestAcme(ProviderContract):
            provider = Acme(api_key="secret-key", domain="example.com")
            accepted = Response(202, {}, b'{"id": "1"}')
            accepted_id = "1"
            errors = (
                (Response(401, {}, b'{"code": "bad_key"}'), AuthenticationFailed),
                (Response(400, {}, b'{"code": "bad_recipient"}'), RecipientRejected),
            )

    The provider decides which claims are made: claims about merges if it has a ``build_batch``,
    about SMTP if *accepted* is an ``SMTPResponse``, and a few if it only has ``send``.

    Attributes:
        provider: The provider, with secrets of 8 characters or more.

        accepted: A recorded answer that accepts *message*; not for one that only has ``send``.

        accepted_id: The message id in it.

        errors: Recorded answers that are errors, one for each code you know, and their class.

        partial: Recorded answers that accept *message* for some recipients only.

        batch:
            Recorded answers to *merge*; what each says of each recipient, an error by
            its class.

        empty_success: Whether a success has no body at all.

        message: The mail that the recorded answers answer.

        merge: The merge that the recorded answers in *batch* answer, to three recipients.

    .. versionadded:: 0.1.0
    """

    # The provider itself

    def test_name_is_a_scheme(self) -> None:
        """
        Its name can be written as the scheme of a DSN.
        """
        shape.check_name(self.provider)

    def test_capabilities_make_sense(self) -> None:
        """
        Its capabilities are complete and consistent.
        """
        shape.check_capabilities(self.provider)

    def test_methods_match_the_declaration(self) -> None:
        """
        Optional methods come in pairs, and are declared.
        """
        shape.check_methods(self.provider)

    def test_dsn_sets_fields(self) -> None:
        """
        The parts of a DSN set existing fields.
        """
        shape.check_fields(self.provider)

    def test_is_frozen(self) -> None:
        """
        A provider cannot be changed.
        """
        shape.check_frozen(self.provider)

    def test_repr_hides_secrets(self) -> None:
        """
        Its repr can be logged.
        """
        shape.check_repr(self.provider)

    def test_pickles(self) -> None:
        """
        It can go to another process.
        """
        shape.check_pickles(self.provider)

    # An object that only has send

    @where(is_simple)
    def test_sends(self) -> None:
        """
        Every mail it declares is taken, and stays as it is.
        """
        self._each_sample(simple.check_sends)

    @where(is_simple)
    def test_looks_at_what_it_declares(self) -> None:
        """
        Nothing of a mail is ignored.
        """
        simple.check_reads(self.provider)

    @where(is_simple)
    def test_sends_from_threads(self) -> None:
        """
        Threads can share it.
        """
        simple.check_sends_from_threads(self.provider, self.message)

    # Requests

    @where(has_requests)
    def test_nothing_is_lost(self) -> None:
        """
        A mark in every declared field is on the wire.
        """
        self._each_of(MARKED, wire.check_nothing_lost)

    @where(has_requests)
    def test_recipients_have_their_places(self) -> None:
        """
        Each recipient stands in the right field, and blind copies are invisible.
        """
        self._each_of(PEOPLE, recipients.check_recipients)

    @where(has_requests)
    def test_text_and_html_have_their_places(self) -> None:
        """
        Text is not sent as HTML, nor HTML as text.
        """
        self._each_of({"both": PEOPLE["all"]}, content.check_bodies_in_place)

    @where(has_requests)
    def test_values_arrive_as_they_are(self) -> None:
        """
        No value is escaped, folded or written in another case.
        """
        self._each_of(EXACT, content.check_exact)

    @where(has_requests)
    def test_nothing_is_cut(self) -> None:
        """
        Large texts and files are whole.
        """
        self._each_of(LARGE, content.check_exact)

    @where(has_requests)
    def test_inline_images_keep_their_id(self) -> None:
        """
        The HTML finds its images.
        """
        images = {"INLINE_IMAGES": MARKED["INLINE_IMAGES"]}
        self._each_of(images, files.check_inline)
        self._each_of(images, files.check_file_is_no_image)

    @where(has_requests)
    def test_files_arrive_as_they_are(self) -> None:
        """
        In their order, and in a base64 that every vendor reads.
        """
        self._each_of(LARGE, files.check_files_in_order)
        self._each_of({"all_bytes": SAMPLES["all_bytes"]}, files.check_base64)

    @where(has_requests)
    def test_nothing_is_added(self) -> None:
        """
        No words are in a mail that its author did not write.
        """
        self._each_of({"both": PEOPLE["all"]}, content.check_nothing_added)
        self._each_of({"text": PEOPLE["to"]}, meaning.check_nothing_made_up)
        self._each_of({"html": SAMPLES["html_only"]}, content.check_nothing_invented)

    @where(has_requests)
    def test_look_alikes_are_told_apart(self) -> None:
        """
        A name is no list of people, a key no value, the switch of opens not that of clicks.
        """
        self._each_of(meaning.MAILBOXES, meaning.check_mailboxes)
        self._each_of(meaning.PAIRS, meaning.check_pairs)
        self._each_of(meaning.TRACKED, meaning.check_tracking_apart)

    @where(has_requests)
    def test_unsubscribing_is_one_click(self) -> None:
        """
        Both headers of RFC 8058 are written, or the mail is refused.
        """
        self._each_of(meaning.ONE_CLICK, meaning.check_one_click)

    @where(has_requests)
    def test_other_forms_are_no_files(self) -> None:
        """
        An invitation is an alternative of the text, with its method.
        """
        self._each_of(forms.ALTERNATIVES, forms.check_no_file)

    @where(has_requests)
    def test_mime_stays_as_it_is(self) -> None:
        """
        What is signed can be verified by its recipient.
        """
        self._each_of(forms.SIGNED, forms.check_untouched)

    @where(is_http)
    def test_bodies_are_of_their_type(self) -> None:
        """
        The vendor reads a body as it was written.
        """
        self._each_sample(forms.check_body_type)

    @where(has_requests)
    def test_tags_stand_apart(self) -> None:
        """
        Two tags are two.
        """
        self._each_of({"tags": SAMPLES["tags"]}, content.check_tags_apart)

    @where(has_requests)
    def test_mails_leave_nothing_behind(self) -> None:
        """
        A mail is the same whatever was sent before it.
        """
        self._each_sample(
            lambda provider, sample: purity.check_no_state(provider, self.message, sample)
        )

    @where(is_http)
    def test_mails_are_posted(self) -> None:
        """
        No proxy repeats or keeps a mail.
        """
        wire.check_method(self.provider, self.message)
        if hasattr(self.provider, "build_batch"):
            wire.check_method(self.provider, self.merge)

    @where(has_requests)
    def test_send_at_is_not_lost(self) -> None:
        """
        The time to send at is on the wire.
        """
        self._each_of(TIMED, time.check_send_at)
        self._each_sample(time.check_send_at)

    @where(has_requests)
    def test_tracking_is_not_lost(self) -> None:
        """
        Tracking on, off and unset are three things.
        """
        self._each_sample(wire.check_tracking)

    @where(has_batch)
    def test_merged_html_is_escaped(self) -> None:
        """
        A recipient's data cannot change the HTML.
        """
        wire.check_html_escaped(self.provider, self.merge)

    @where(has_requests)
    def test_requests_are_pure(self) -> None:
        """
        The same mail makes the same request.
        """
        self._each_sample(purity.check_pure)

    @where(has_requests)
    def test_requests_need_no_io(self) -> None:
        """
        Building a request reads and waits for nothing.
        """
        self._each_sample(purity.check_no_io)

    @where(has_requests)
    def test_requests_have_clean_lines(self) -> None:
        """
        No mail breaks a header or the URL.
        """
        self._each_sample(wire.check_clean_lines)
        self._each_of(MARKED, wire.check_clean_lines)

    @where(has_requests)
    def test_options_have_clean_lines(self) -> None:
        """
        No option of the caller breaks a header or the URL.
        """
        wire.check_options_clean(self.provider, self.message)

    @where(has_requests)
    def test_requests_hide_secrets(self) -> None:
        """
        A request's repr and URL can be logged.
        """
        for request in (self.provider.build_request(self.message), self.provider.build_ping()):
            wire.check_secrets_hidden(self.provider, request)

    @where(has_requests)
    def test_requests_are_authenticated(self) -> None:
        """
        Every request says whose it is, the ping too: that is what it checks.
        """
        for request in (self.provider.build_request(self.message), self.provider.build_ping()):
            wire.check_authenticated(self.provider, request)

    @where(is_http)
    def test_signatures_refuse_nothing(self) -> None:
        """
        A mail that was written is sent.
        """
        self._each_sample(wire.check_signing)

    @where(has_requests)
    def test_ping_sends_nothing(self) -> None:
        """
        A ping is harmless.
        """
        wire.check_ping(self.provider, self.message)

    @where(has_ping_answers)
    def test_odd_answers_to_a_ping_are_survived(self) -> None:
        """
        An answer to a ping proves that the key is known, or it is a SendError.
        """
        answers.check_ping_answers(self.provider)

    @where(is_http)
    def test_requests_go_to_base_url(self) -> None:
        """
        A proxy or a fake vendor can take the vendor's place.
        """
        wire.check_base_url(self.provider, self.message)

    @where(has_keys)
    def test_idempotency_key_is_not_lost(self) -> None:
        """
        The vendor can recognize a second attempt.
        """
        wire.check_idempotency_key(self.provider, self.message)

    @where(is_smtp)
    def test_envelope_names_everybody(self) -> None:
        """
        All recipients get the mail, and blind copies are invisible.
        """
        self._each_sample(wire.check_envelope)

    @where(is_smtp)
    def test_data_are_a_mail(self) -> None:
        """
        Every server takes the lines and the header, and every mail client reads the same.
        """
        self._each_sample(mail.check_mail)

    # Answers

    @where(has_requests)
    def test_success_is_accepted(self) -> None:
        """
        The recorded success is one.
        """
        claim(self.accepted is not None, "record an answer of success: accepted = Response(...)")
        answers.check_accepted(self.provider, self.accepted, self.message, self.accepted_id)

    @where(has_partial)
    def test_partial_success_is_told(self) -> None:
        """
        Refused recipients are named where others are accepted.
        """
        each(
            {f"partial {number}": one for number, one in enumerate(self.partial, 1)},
            lambda one: answers.check_partial(self.provider, one[0], self.message, one[1]),
        )

    @where(has_requests)
    def test_errors_are_recorded(self) -> None:
        """
        The contract is not empty.
        """
        claim(
            self.errors,
            "record an answer for each error you know: errors = ((Response(...), ...),)",
        )

    @where(has_requests)
    def test_error_has_its_class(self) -> None:
        """
        A known code means one thing.
        """
        self._each_error(
            lambda answer, kind: answers.check_error(self.provider, answer, self.message, kind)
        )

    @where(has_requests)
    def test_error_shows_nobody(self) -> None:
        """
        An error's text can be logged.
        """
        self._each_error(
            lambda answer, _: answers.check_error_text(self.provider, answer, self.message)
        )

    @where(has_requests)
    def test_error_pickles(self) -> None:
        """
        An error can go to another process.
        """
        self._each_error(
            lambda answer, _: answers.check_error_pickles(self.provider, answer, self.message)
        )

    @where(is_http)
    def test_unreadable_success_is_unknown(self) -> None:
        """
        A cut or foreign answer is neither a success nor a refusal.
        """
        answers.check_unreadable_success(
            self.provider, self._recorded()[:1], self.message, empty_success=self.empty_success
        )

    @where(is_http)
    def test_odd_answers_are_survived(self) -> None:
        """
        No answer raises anything but a SendError.
        """
        answers.check_altered_answers(self.provider, self._recorded(), self.message)

    @where(is_http)
    def test_foreign_errors_are_read_by_status(self) -> None:
        """
        A proxy's error is not the vendor's.
        """
        answers.check_statuses(self.provider, self.message)

    @where(is_http)
    def test_retry_after_is_kept(self) -> None:
        """
        A vendor that names a time is left alone until then.
        """
        answers.check_retry_after(self.provider, self.message)

    @where(is_http)
    def test_unknown_codes_end_no_mail(self) -> None:
        """
        An unknown code sends the mail to the next provider.
        """
        answers.check_unknown_codes(self.provider, self._recorded()[1:], self.message)

    @where(is_smtp)
    def test_replies_are_survived(self) -> None:
        """
        Any reply to any command is an error with its code, and a transient one ends no mail.
        """
        answers.check_smtp_replies(self.provider, self.message)

    # Merges

    @where(has_batch)
    def test_merges_are_recorded(self) -> None:
        """
        The contract of a merge is not empty.
        """
        claim(
            self.batch,
            "record an answer to a merge: batch = ((Response(...), (Accepted(...), ...)),)",
        )

    @where(has_batch)
    def test_merges_leave_nobody_out(self) -> None:
        """
        Everybody is in the request, with what is meant for him, and with all that a mail has.
        """
        self._each_of(CROWD, merges.check_everybody)
        self._each_of(CROWD, merges.check_own_data)
        self._each_of(TOGETHER, merges.check_whole)

    @where(has_batch)
    def test_merges_are_refused_before_anybody_gets_one(self) -> None:
        """
        What the vendor cannot carry for one recipient is known before any call.
        """
        each({kind: kind for kind in ODD}, self._check_odd)

    def _check_odd(self, kind: str) -> None:
        found = self._adapted({f"{kind} {number}": one for number, one in enumerate(ODD[kind])})
        merges.check_odd_recipient(self.provider, kind, [*found.values()])

    @where(has_batch)
    def test_merge_is_read_by_recipient(self) -> None:
        """
        Each recipient has an outcome of his own.
        """
        each(
            {f"batch {number}": one for number, one in enumerate(self.batch, 1)},
            lambda one: batches.check_batch(self.provider, one[0], self.merge, one[1]),
        )

    @where(has_batch)
    def test_odd_answers_to_merges_are_survived(self) -> None:
        """
        An unreadable answer is unknown for everybody.
        """
        batches.check_batch_garbage(
            self.provider,
            [answer for answer, _ in self.batch],
            self.merge,
            empty_success=self.empty_success,
        )
