package slack

// limits are the Web API's codes for too many messages, when they come with
// another status than 429.
var limits = []string{"ratelimited", "rate_limited", "message_limit_exceeded"}

// unclear are codes after which the message may have been posted all the same:
// Slack says of fatal_error that some of the work may have been done.
var unclear = []string{"fatal_error", "internal_error", "service_unavailable"}

// notProcessed are codes of a request that Slack did not take up. It says of
// request_timeout that the request's data were missing or cut short.
var notProcessed = []string{"request_timeout", "team_added_to_org"}

// credentials are codes that another credential may make go away.
var credentials = []string{"invalid_auth", "not_authed", "token_expired", "token_revoked", "account_inactive",
	"invalid_token", "no_service", "no_active_hooks"}

// meanings say what codes mean, in words of our own. Those of webhooks and of
// the Web API do not contradict each other.
var meanings = map[string]string{
	// The credential, or what it may do.
	"account_inactive":        "the token is of an account or workspace that was deleted",
	"ekm_access_denied":       "the workspace's administrators have withdrawn the access",
	"invalid_auth":            "the token is not valid",
	"invalid_token":           "the webhook's URL is not valid",
	"missing_scope":           "the token lacks the scope chat:write, or another that an argument needs",
	"no_active_hooks":         "the webhook is switched off",
	"no_service":              "the webhook is gone or switched off; make another, and change the secret",
	"no_team":                 "the webhook's workspace does not exist",
	"not_allowed_token_type":  "the token is not of a kind that may post; use a bot's (xoxb-…)",
	"not_authed":              "no token reached Slack",
	"org_login_required":      "the workspace is being moved to an organization",
	"team_access_not_granted": "the token may not be used for this workspace",
	"team_disabled":           "the workspace is switched off",
	"token_expired":           "the token has expired",
	"token_revoked":           "the token was revoked",

	// Where it should go.
	"action_prohibited":                 "an administrator does not let the webhook post",
	"channel_is_archived":               "the channel is archived",
	"channel_not_found":                 "there is no such channel, or the app can't see it",
	"is_archived":                       "the channel is archived",
	"no_permission":                     "the app may not post there",
	"not_in_channel":                    "the app is not a member of the channel: invite it",
	"posting_to_general_channel_denied": "the webhook may not post to the workspace's general channel",
	"restricted_action":                 "a rule of the workspace does not let the app post there",
	"user_not_found":                    "there is no such user",

	// The message itself.
	"cannot_reply_to_message":                 "that message can't be replied to",
	"invalid_arguments":                       "an argument is missing or not valid",
	"invalid_array_arg":                       "an argument that should be a list is none",
	"invalid_arg_name":                        "an argument's name is not valid",
	"invalid_blocks":                          "the blocks are not valid",
	"invalid_blocks_format":                   "the blocks are no list of blocks",
	"invalid_charset":                         "the charset is not one that Slack takes",
	"invalid_form_data":                       "the form is not valid",
	"invalid_json":                            "the body is not valid JSON",
	"invalid_metadata_format":                 "the metadata must have event_type and event_payload",
	"invalid_payload":                         "the body is not what a webhook takes",
	"invalid_post_type":                       "the content type is not one that Slack takes",
	"json_not_object":                         "the body is no JSON object",
	"metadata_too_large":                      "the metadata are too large",
	"missing_post_type":                       "there is no content type",
	"missing_text_or_fallback_or_attachments": "it has neither text, blocks nor attachments",
	"msg_blocks_too_long":                     "the blocks are too long",
	"msg_too_long":                            "the text is too long",
	"no_text":                                 "it has neither text, blocks nor attachments",
	"too_many_attachments":                    "it has more than 100 attachments",

	// Slack itself.
	"fatal_error":         "an error inside Slack",
	"internal_error":      "an error inside Slack",
	"request_timeout":     "the request did not arrive whole",
	"rollup_error":        "an error inside Slack",
	"service_unavailable": "Slack is out of order",
	"team_added_to_org":   "the workspace is being moved to an organization",
}
