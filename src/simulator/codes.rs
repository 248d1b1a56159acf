//! Meta's error codes, as the wire shows them: the status of the answer, the title, what the details usually say.
//!
//! The statuses are those of Meta's error page (December 2025). Throttles come with status 400. A code that is not here is
//! shown with status 400 and a plain title, so that scripts may use any.

/// How a code looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code {
    /// The number.
    pub(super) number: u32,
    /// The status of an HTTP answer with it.
    pub(super) status: u16,
    /// Meta's title.
    pub(super) title: &'static str,
    /// What `error_data.details` says when nothing more exact is known.
    pub(super) details: &'static str,
}

/// Looks a code up.
pub(super) fn code(code: u32) -> Code {
    KNOWN.iter().find(|known| known.number == code).copied().unwrap_or(Code {
        number: code,
        status: 400,
        title: "Something went wrong",
        details: "The request could not be handled.",
    })
}

const fn known(number: u32, status: u16, title: &'static str, details: &'static str) -> Code {
    Code { number, status, title, details }
}

const KNOWN: &[Code] = &[
    known(0, 401, "AuthException", "The app user could not be authenticated."),
    known(1, 400, "API Unknown", "Invalid request or possible server error."),
    known(2, 503, "API Service", "Temporary: down or overloaded."),
    known(3, 500, "API Method", "Capability or permission problem."),
    known(4, 400, "API Too Many Calls", "The app has reached its call rate."),
    known(10, 403, "API Permission Denied", "The permission is missing or was removed."),
    known(33, 400, "Parameter value is not valid", "The business phone number has been deleted or does not exist."),
    known(100, 400, "Invalid parameter", "One or more parameters are unsupported or misspelt."),
    known(190, 401, "Invalid OAuth access token - Cannot parse access token", "The access token has expired or is wrong."),
    known(200, 403, "API Permission", "The permission was not granted."),
    known(368, 403, "Temporarily blocked for policies violations", "The account is restricted for a policy violation."),
    known(80007, 400, "Rate limit issues", "The account has reached its call rate."),
    known(130_403, 400, "Message not allowed", "The business has blocked this user."),
    known(130_429, 400, "Rate limit hit", "Cloud API message throughput has been reached."),
    known(130_472, 400, "User's number is part of an experiment", "The message was not sent as part of an experiment."),
    known(130_497, 403, "Business account is restricted from messaging users in this country", "The country is restricted."),
    known(131_000, 500, "Something went wrong", "The message failed to send because of an unknown error."),
    known(131_005, 403, "Access denied", "The permission was not granted or was removed."),
    known(131_008, 400, "Required parameter is missing", "The request lacks a required parameter."),
    known(131_009, 400, "Parameter value is not valid", "One or more parameter values are invalid."),
    known(131_016, 500, "Service unavailable", "A service is temporarily unavailable."),
    known(131_021, 400, "Recipient cannot be sender", "Sender and recipient phone number are the same."),
    known(131_026, 400, "Message undeliverable", "Message undeliverable."),
    known(131_030, 400, "Recipient phone number not in allowed list", "Add the recipient to the allowed list."),
    known(131_031, 403, "Account has been locked", "The account is restricted or disabled."),
    known(131_037, 400, "Display name approval needed", "The number's display name needs approval."),
    known(131_042, 400, "Business eligibility payment issue", "There is a problem with the payment method."),
    known(131_045, 500, "Incorrect certificate", "The phone number's registration failed."),
    known(131_047, 400, "Re-engagement message", "More than 24 hours have passed since the recipient last replied."),
    known(131_048, 400, "Spam rate limit hit", "Too many messages from this number were blocked or flagged as spam."),
    known(
        131_049,
        400,
        "This message was not delivered to maintain healthy ecosystem engagement.",
        "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
    ),
    known(131_050, 400, "User has stopped marketing messages", "The recipient does not want marketing messages from you."),
    known(131_051, 400, "Unsupported message type", "The message type is not supported."),
    known(131_053, 400, "Media upload error", "The media could not be fetched or is of the wrong type."),
    known(131_055, 400, "Method not allowed", "Only marketing templates may be sent here."),
    known(
        131_056,
        400,
        "(Business Account, Consumer Account) pair rate limit hit",
        "Too many messages from this number to the same recipient in a short time.",
    ),
    known(131_057, 500, "Account in maintenance mode", "The account is in maintenance mode."),
    known(131_059, 400, "Invalid cursor", "The paging cursor is invalid; list again from the beginning."),
    known(132_000, 400, "Number of parameters does not match the expected number of params", "The counts differ."),
    known(132_001, 404, "Template name does not exist in the translation", "The template does not exist in this language."),
    known(132_005, 400, "Translated text too long", "The text is too long after the values are put in."),
    known(132_007, 400, "Template format character policy violated", "The template violates a content policy."),
    known(132_012, 400, "Parameter format does not match format in the created template", "A value has the wrong format."),
    known(132_015, 400, "Template is paused", "The template is paused because of low quality."),
    known(132_016, 400, "Template is disabled", "The template was paused too often and is disabled for good."),
    known(
        132_018,
        400,
        "There is an issue with the parameters in your template",
        "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
    ),
    known(133_010, 400, "Phone number not registered", "The number is not registered on the platform."),
    known(134_100, 400, "Only marketing messages are supported", "Only marketing templates may be sent here."),
    known(135_000, 400, "Generic user error", "The parameters of the request led to an unknown error."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttles_are_bad_requests_and_codes_stand_once() {
        assert!([4, 80_007, 130_429, 131_056, 131_048].iter().all(|n| code(*n).status == 400));
        assert_eq!((code(190).status, code(132_001).status, code(131_000).status, code(2).status), (401, 404, 500, 503));
        assert!(KNOWN.windows(2).all(|pair| pair[0].number < pair[1].number), "in order and without doubles");
        assert_eq!(code(999_999).status, 400);
    }
}
