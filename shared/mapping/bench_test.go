package mapping_test

import (
	"bytes"
	"fmt"
	"testing"
	"text/template"

	"github.com/waypost/waypost/shared/mapping"
)

const benchmarkText = "Hi {{ profile.firstName ?? 'there' }}, order {{ event.orderId }} is ready."

// BenchmarkEval measures a mapping's usual work. Its baselines, in the same
// run, are the same text by fmt.Sprintf (the least that any language could
// cost) and by text/template (a language of the same kind).
func BenchmarkEval(b *testing.B) {
	env := environment(b)
	event := env.Event.(map[string]any)

	b.Run("template", func(b *testing.B) {
		t, err := mapping.Parse(benchmarkText)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if v, err := t.Eval(env); v == nil || err != nil {
				b.Fatal(v, err)
			}
		}
	})
	b.Run("expression", func(b *testing.B) {
		x, err := mapping.ParseExpression("event.total >= 20 and profile.loyalty.tier == 'gold'")
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if ok, err := x.True(env); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("list", func(b *testing.B) {
		x, err := mapping.ParseExpression("sum(filter(event.items, .price > 5), .price)")
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if v, err := x.Eval(env); v == nil || err != nil {
				b.Fatal(v, err)
			}
		}
	})
	b.Run("baseline=sprintf", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			name, ok := env.Profile["firstName"].(string)
			if !ok {
				name = "there"
			}
			if s := fmt.Sprintf("Hi %s, order %s is ready.", name, event["orderId"]); s == "" {
				b.Fatal("empty")
			}
		}
	})
	b.Run("baseline=text-template", func(b *testing.B) {
		t, err := template.New("").Parse("Hi {{ or .profile.firstName `there` }}, order {{ .event.orderId }} is ready.")
		if err != nil {
			b.Fatal(err)
		}
		data := map[string]any{"profile": env.Profile, "event": event}
		b.ReportAllocs()
		for b.Loop() {
			var out bytes.Buffer
			if err := t.Execute(&out, data); err != nil || out.Len() == 0 {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkParse is what a cold function pays once for each template.
func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mapping.Parse(benchmarkText); err != nil {
			b.Fatal(err)
		}
	}
}
