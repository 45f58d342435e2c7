package local

import (
	"net/http"
	"strings"

	"github.com/waypost/waypost/infra/local/awsport"
	"github.com/waypost/waypost/infra/local/lambda"
	"github.com/waypost/waypost/infra/local/urls"
	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/sink"
	"github.com/waypost/waypost/infra/providers/twilio"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/problem"
)

// pages are what people and providers' callers see: the stand-ins and the inbox.
type pages struct {
	inbox   *inbox.Store
	twilio  *twilio.Server
	sink    *sink.Sink
	loyalty *sink.Loyalty
}

func newPages() *pages {
	box := inbox.New(inbox.Options{})
	return &pages{box, twilio.New(twilio.Options{Inbox: box}), sink.New(sink.Options{Inbox: box}), sink.NewLoyalty(sink.Options{Inbox: box})}
}

// Paths of the stand-ins.
const (
	pathTwilio  = "/providers/twilio"
	pathLoyalty = "/providers/loyalty"
	pathSink    = "/providers/sink"
)

// routes says which hosts the stand-ins serve: the providers' own, and the examples'.
func (p *pages) routes(base string) []string {
	return []string{
		"api.twilio.com=" + base + pathTwilio,
		"loyalty.example=" + base + pathLoyalty,
		"hooks.example=" + base + pathSink,
	}
}

// handler serves the function URLs beside the pages, to this machine alone:
// what a page elsewhere makes a browser send is refused. The stand-ins are
// called under the names of the hosts that they stand in for.
func (p *pages) handler(host *lambda.Host) http.Handler {
	mux := http.NewServeMux()
	for _, function := range []string{"admin", "entry"} {
		mux.Handle("/"+function+"/", urls.Handler(host, function))
	}
	mux.Handle(pathTwilio+"/", http.StripPrefix(pathTwilio, p.twilio))
	mux.Handle(pathLoyalty+"/", p.loyalty.Handler(pathLoyalty))
	mux.Handle(pathSink+"/", p.sink)
	mux.Handle("/inbox", p.inbox.Handler())
	mux.Handle("/inbox.json", p.inbox.Handler())
	mux.Handle("/inbox/", p.inbox.Handler())
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/inbox", http.StatusFound) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem.Write(w, r, fault.New(fault.NotFound, "there is no %s here; there are /inbox, /entry/ and /admin/", r.URL.Path))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := awsport.Foreign(r); why != "" && !strings.HasPrefix(r.URL.Path, "/providers/") {
			problem.Write(w, r, fault.New(fault.Forbidden, "%s", why))
			return
		}
		mux.ServeHTTP(w, r)
	})
}
