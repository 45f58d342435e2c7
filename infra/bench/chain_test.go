package main

import (
	"testing"
	"time"

	"github.com/waypost/waypost/infra/local"
)

func TestChain(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for _, tc := range []struct {
		name  string
		spans [][2]int // begin and end, ms
		want  int
	}{
		{"none", nil, 0},
		{"one", [][2]int{{0, 5}}, 1},
		{"all at once", [][2]int{{0, 5}, {0, 6}, {1, 5}, {4, 9}}, 1},
		{"one after the other", [][2]int{{0, 5}, {5, 10}, {11, 16}}, 3},
		{"in any order", [][2]int{{11, 16}, {0, 5}, {5, 10}}, 3},
		{"two at once, then one", [][2]int{{0, 5}, {0, 5}, {6, 11}}, 2},
		{"a long one beside three short ones", [][2]int{{0, 30}, {0, 5}, {6, 11}, {12, 17}}, 3},
		{"the short one hides a longer chain", [][2]int{{0, 10}, {10, 20}, {9, 11}}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var spans []span
			for _, s := range tc.spans {
				spans = append(spans, span{local.Call{}, at(s[0]), at(s[1])})
			}
			if got := chain(spans); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}
