package channel

import "github.com/waypost/waypost/shared/fault"

// A LacksError says that a secret lacks what a provider's requests are made of,
// whatever the message: so it is the provider's own reason, where all else that
// a channel can't encode is the message's.
type LacksError struct{ fault *fault.Error }

// Lacks makes the error of a secret without a key. form says in brackets what
// its value looks like, and whose what needs it: "Twilio's path".
func Lacks(key, form, whose string) *LacksError {
	return &LacksError{fault.New(fault.Invalid, "the secret has no %s (%s), which %s needs", key, form, whose)}
}

// Error gives the message for people.
func (e *LacksError) Error() string { return e.fault.Error() }

// Unwrap gives the fault.Error, which is Invalid.
func (e *LacksError) Unwrap() error { return e.fault }
