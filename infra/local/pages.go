package local

import (
	"net/http"
	"strings"

	"github.com/waypost/waypost/infra/local/awsport"
	"github.com/waypost/waypost/infra/local/lambda"
	"github.com/waypost/waypost/infra/local/urls"
	"github.com/waypost/waypost/infra/providers"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/problem"
)

// pages serves the function URLs beside the pages, to this machine alone:
// what a page elsewhere makes a browser send is refused. The stand-ins are
// called under the names of the hosts that they stand in for.
func pages(host *lambda.Host, standIns *providers.StandIns) http.Handler {
	mux := http.NewServeMux()
	for _, function := range []string{"admin", "entry", "callback"} {
		mux.Handle("/"+function+"/", urls.Handler(host, function))
	}
	mux.Handle("/providers/", standIns)
	inbox := standIns.Inbox.Handler()
	mux.Handle("/inbox", inbox)
	mux.Handle("/inbox.json", inbox)
	mux.Handle("/inbox/", inbox)
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/inbox", http.StatusFound) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem.Write(w, r, fault.New(fault.NotFound, "there is no %s here; there are /inbox, /entry/, /admin/ and /callback/", r.URL.Path))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		aProvider := strings.HasPrefix(r.URL.Path, "/providers/") && !standIns.IsMood(r.URL.Path)
		if why := awsport.Foreign(r); why != "" && !aProvider {
			problem.Write(w, r, fault.New(fault.Forbidden, "%s", why))
			return
		}
		mux.ServeHTTP(w, r)
	})
}
