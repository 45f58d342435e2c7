package limit_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/limit"
	"github.com/waypost/waypost/shared/limit/limittest"
)

func TestMemory(t *testing.T) {
	limittest.Run(t, func(*testing.T) limit.Store { return new(limit.Memory) })
}

func TestValidateAll(t *testing.T) {
	for _, tc := range []struct {
		name, limits string
		want         []string // path and rule
	}{
		{"none", `[]`, nil},
		{"throttle", `[{"kind":"throttle","calls":100,"per":"1s"}]`, nil},
		{"both", `[{"kind":"throttle","calls":10,"per":"500ms"},{"kind":"cap","calls":1000000,"per":"24h"}]`, nil},
		{"same kind, other span", `[{"kind":"cap","calls":10,"per":"1s"},{"kind":"cap","calls":100,"per":"1m"}]`, nil},
		{"kind", `[{"kind":"limit","calls":1,"per":"1s"}]`, []string{"limits[0].kind enum"}},
		{"nothing", `[{}]`, []string{"limits[0].kind enum", "limits[0].calls range", "limits[0].per duration"}},
		{"calls", `[{"kind":"cap","calls":1000001,"per":"1s"}]`, []string{"limits[0].calls range"}},
		{"negative", `[{"kind":"cap","calls":-1,"per":"1s"}]`, []string{"limits[0].calls range"}},
		{"per too short", `[{"kind":"cap","calls":1,"per":"99ms"}]`, []string{"limits[0].per duration"}},
		{"per too long", `[{"kind":"cap","calls":1,"per":"25h"}]`, []string{"limits[0].per duration"}},
		{"per is no duration", `[{"kind":"cap","calls":1,"per":"PT1S"}]`, []string{"limits[0].per duration"}},
		{"too quick for a throttle", `[{"kind":"throttle","calls":10001,"per":"1s"}]`, []string{"limits[0].calls range"}},
		{"too slow for a throttle", `[{"kind":"throttle","calls":3,"per":"24h"}]`, []string{"limits[0].per range"}},
		{"twice", `[{"kind":"cap","calls":1,"per":"60s"},{"kind":"cap","calls":2,"per":"1m"}]`, []string{"limits[1] unique"}},
		{"too many", `[{"kind":"cap","calls":1,"per":"1s"},{"kind":"cap","calls":1,"per":"2s"},{"kind":"cap","calls":1,"per":"3s"},` +
			`{"kind":"cap","calls":1,"per":"4s"},{"kind":"cap","calls":1,"per":"5s"}]`, []string{"limits maxItems"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var limits []limit.Limit
			if err := json.Unmarshal([]byte(tc.limits), &limits); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range limit.ValidateAll("limits", limits) {
				got = append(got, strings.TrimSpace(d.Path+" "+d.Rule))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("details (-want +got):\n%s", diff)
			}
		})
	}
	if got, want := (limit.Limit{Kind: limit.Cap, Calls: 3, Per: "1m"}).Window(), time.Minute; got != want {
		t.Errorf("Window = %v, want %v", got, want)
	}
}
