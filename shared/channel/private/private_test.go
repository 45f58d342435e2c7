package private_test

import (
	"strings"
	"testing"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel/private"
	"github.com/waypost/waypost/shared/egress"
)

// A private system may be named where the operator's list has it, and nowhere
// else: the channel's name opens nothing.
func TestTheOperatorsListAlone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ allow, url, want string }{
		{"", "https://erp.example.com", ""},
		{"", "https://erp.corp.internal", "is the name of a private host"},
		{"https://erp.corp.internal", "https://erp.corp.internal", ""},
		{"https://erp.corp.internal", "https://crm.corp.internal", "is the name of a private host"},
		{"https://erp.corp.internal", "https://erp.corp.internal:8443", "port 8443 is not allowed"},
		{"https://erp.corp.internal", "http://erp.corp.internal", "plain http is not allowed"},
		{"http://*.corp.internal:8080", "http://crm.corp.internal:8080", ""},
		{"", "https://10.1.2.3", "is an address"},
		{"10.1.0.0/16", "https://10.1.2.3", ""},
		{"10.1.0.0/16", "https://10.2.2.3", "is an address"},
		{"10.1.0.0/16", "https://169.254.169.254", "is an address"},
	} {
		policy, err := egress.ParsePolicy(tc.allow, "")
		if err != nil {
			t.Fatal(err)
		}
		a, err := action.Parse([]byte(`{"name": "erp", "channel": "private", "contract": {"method": "PATCH", "body": {"a": 1}}, "settings": {"url": "`+tc.url+`"}}`), egress.NewGuard(policy))
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%q, %s: %v", tc.allow, tc.url, err)
		case tc.want == "":
			if wrong := private.Traits().Faults(a); len(wrong) > 0 {
				t.Errorf("%q, %s: %v", tc.allow, tc.url, wrong)
			}
		case err == nil || !strings.Contains(err.Error(), tc.want):
			t.Errorf("%q, %s: got %v, want %s", tc.allow, tc.url, err, tc.want)
		}
	}
}
