//! What Slack's error codes ask for.

use std::fmt;

/// What to do about an error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// Temporary: try again later.
    Retry,
    /// Too much was sent: nothing more with this token for as long as Slack
    /// says.
    RateLimited,
    /// The channel accepts nothing: send nothing to it for a while.
    Pause,
    /// The thread is gone: send once more, outside it.
    ThreadGone,
    /// Permanent: give the message up.
    Permanent,
}

/// Which codes are in which class; codes it does not know are retried.
#[derive(Clone, Copy)]
pub(crate) enum CodeClassifier {
    SlackProxy,
    Recommended,
    Custom(fn(&str) -> Option<Class>),
}

impl CodeClassifier {
    /// Returns the class of a code, if it is known.
    pub(crate) fn class(self, code: &str) -> Option<Class> {
        match self {
            Self::SlackProxy => slack_proxy(code),
            Self::Recommended => recommended(code),
            Self::Custom(classify) => classify(code),
        }
    }
}

impl PartialEq for CodeClassifier {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Custom(a), Self::Custom(b)) => std::ptr::fn_addr_eq(*a, *b),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl fmt::Debug for CodeClassifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SlackProxy => "slack-proxy",
            Self::Recommended => "recommended",
            Self::Custom(_) => "custom",
        })
    }
}

/// Returns the classes of slack-proxy 0.3.0, as measured code by code.
fn slack_proxy(code: &str) -> Option<Class> {
    match code {
        "channel_not_found" => Some(Class::Pause),
        "message_limit_exceeded"
        | "rate_limited"
        | "ratelimited"
        | "fatal_error"
        | "internal_error"
        | "request_timeout" => Some(Class::Retry),
        _ => contains(PERMANENT, code).then_some(Class::Permanent),
    }
}

/// Returns the classes that follow from Slack's documentation.
fn recommended(code: &str) -> Option<Class> {
    match code {
        "ratelimited" | "rate_limited" => Some(Class::RateLimited),
        "message_limit_exceeded"
        | "fatal_error"
        | "internal_error"
        | "request_timeout"
        | "service_unavailable"
        | "team_added_to_org" => Some(Class::Retry),
        "channel_not_found" | "is_archived" => Some(Class::Pause),
        "cannot_reply_to_message" | "restricted_action_thread_locked" | "thread_not_found" => {
            Some(Class::ThreadGone)
        }
        _ => (contains(PERMANENT, code) || contains(PERMANENT_SINCE, code))
            .then_some(Class::Permanent),
    }
}

fn contains(sorted: &[&str], code: &str) -> bool {
    sorted.binary_search(&code).is_ok()
}

/// Returns what the operator can do about a code, where that is clear.
pub(crate) fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "channel_not_found" => "check the channel, and invite the app if it is private",
        "not_in_channel" => "invite the app to the channel, or grant it `chat:write.public`",
        "is_archived" => "unarchive the channel, or name another",
        "restricted_action" | "restricted_action_read_only_channel" => {
            "let the app post to the channel in the workspace settings"
        }
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
            "install the app again and use its new token"
        }
        "missing_scope" => "grant the app the scope `chat:write` and install it again",
        "not_allowed_token_type" => "use a bot token, beginning `xoxb-`",
        "msg_too_long" | "msg_blocks_too_long" | "attachment_payload_limit_exceeded" => {
            "shorten the message"
        }
        "no_text" | "invalid_blocks" | "invalid_blocks_format" => "mend the message's template",
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => "send less",
        _ => return None,
    })
}

/// Sorted. What slack-proxy 0.3.0 gives up at once.
const PERMANENT: &[&str] = &[
    "access_denied",
    "accesslimited",
    "account_inactive",
    "as_user_not_supported",
    "cannot_reply_to_message",
    "deprecated_endpoint",
    "duplicate_channel_not_found",
    "duplicate_message_not_found",
    "ekm_access_denied",
    "enterprise_is_restricted",
    "invalid_arg_name",
    "invalid_arguments",
    "invalid_array_arg",
    "invalid_auth",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_charset",
    "invalid_form_data",
    "invalid_metadata_format",
    "invalid_metadata_schema",
    "invalid_post_type",
    "is_archived",
    "messages_tab_disabled",
    "metadata_must_be_sent_from_app",
    "metadata_too_large",
    "method_deprecated",
    "missing_post_type",
    "missing_scope",
    "msg_too_long",
    "no_permission",
    "no_text",
    "not_allowed_token_type",
    "not_authed",
    "not_in_channel",
    "org_login_required",
    "restricted_action",
    "restricted_action_non_threadable_channel",
    "restricted_action_read_only_channel",
    "restricted_action_thread_locked",
    "restricted_action_thread_only_channel",
    "service_unavailable",
    "slack_connect_canvas_sharing_blocked",
    "slack_connect_file_link_sharing_blocked",
    "team_access_not_granted",
    "team_added_to_org",
    "token_expired",
    "token_revoked",
    "too_many_attachments",
    "too_many_contact_cards",
    "two_factor_setup_required",
];

/// Sorted. What Slack has documented since, and what it answers to a malformed
/// request.
const PERMANENT_SINCE: &[&str] = &[
    "app_access_restricted",
    "attachment_payload_limit_exceeded",
    "invalid_attachments",
    "invalid_json",
    "invalid_payload",
    "is_bot",
    "json_not_object",
    "markdown_text_conflict",
    "missing_file_data",
    "msg_blocks_too_long",
    "send_on_behalf_not_allowed",
    "slack_connect_lists_sharing_blocked",
    "team_not_found",
    "unknown_method",
    "user_not_found",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_can_be_searched() {
        assert!(PERMANENT.is_sorted() && PERMANENT_SINCE.is_sorted());
        assert_eq!(PERMANENT.len(), 50);
        let both = PERMANENT_SINCE
            .iter()
            .find(|code| contains(PERMANENT, code));
        assert_eq!(both, None);
    }

    #[test]
    fn the_presets_differ_where_slack_says_otherwise() {
        use Class::{Pause, Permanent, RateLimited, Retry, ThreadGone};

        for (code, proxy, recommends) in [
            ("ratelimited", Some(Retry), Some(RateLimited)),
            ("service_unavailable", Some(Permanent), Some(Retry)),
            ("team_added_to_org", Some(Permanent), Some(Retry)),
            ("is_archived", Some(Permanent), Some(Pause)),
            ("cannot_reply_to_message", Some(Permanent), Some(ThreadGone)),
            ("msg_blocks_too_long", None, Some(Permanent)),
            ("not_in_channel", Some(Permanent), Some(Permanent)),
            ("channel_not_found", Some(Pause), Some(Pause)),
            ("fatal_error", Some(Retry), Some(Retry)),
            ("a_code_of_tomorrow", None, None),
        ] {
            assert_eq!(CodeClassifier::SlackProxy.class(code), proxy, "{code}");
            assert_eq!(
                CodeClassifier::Recommended.class(code),
                recommends,
                "{code}"
            );
        }
    }

    #[test]
    fn a_classifier_equals_itself_only() {
        let retry_all: fn(&str) -> Option<Class> = |_| Some(Class::Retry);
        assert_eq!(
            CodeClassifier::Custom(retry_all),
            CodeClassifier::Custom(retry_all)
        );
        assert_ne!(
            CodeClassifier::Custom(retry_all),
            CodeClassifier::Recommended
        );
        assert_ne!(CodeClassifier::SlackProxy, CodeClassifier::Recommended);
    }
}
