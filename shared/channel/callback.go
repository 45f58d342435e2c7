package channel

import (
	"net/http"
	"strings"

	"github.com/waypost/waypost/shared/ledger"
)

// A Callback is what a provider sends to report on a message. Its URL is the
// one that the provider called, as it saw it: the public one, whatever proxy
// stands before the function.
type Callback struct {
	URL    string
	Header http.Header
	Body   []byte
}

// Values gives all values of a header. A signature that is there twice is none.
func (c Callback) Values(header string) []string { return c.Header.Values(header) }

// A Report is what a callback says. Its Status is empty where it says nothing
// of a message's fate; its ProviderID then is that of the message that came in.
type Report struct {
	ledger.Report
	// Token is that of the delivery, where the callback itself carries it and
	// its URL does not.
	Token string
	// OptOuts are the recipients who want no more messages.
	OptOuts []string
	// Reply is the body that the provider wants to see in the answer, or empty.
	Reply string
}

// OptOut adds recipients who want no more messages. An empty one is nobody.
func (r *Report) OptOut(recipients ...string) {
	for _, recipient := range recipients {
		if recipient != "" {
			r.OptOuts = append(r.OptOuts, recipient)
		}
	}
}

// A CallbackURL makes the URLs at which providers report on deliveries: those
// of the callback function, below this one. It is empty where there is none.
type CallbackURL string

// Of gives the URL for a callback kind (Traits.Callback) and a delivery's token.
func (u CallbackURL) Of(kind, token string) string {
	return strings.TrimSuffix(string(u), "/") + "/" + kind + "/" + token
}
