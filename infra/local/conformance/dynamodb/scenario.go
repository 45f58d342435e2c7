package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

//go:embed testdata/*.json
var testdata embed.FS

// A file is scenarios of one subject.
type file struct {
	name      string
	scenarios []scenario
}

// A scenario is calls in their order, on a table of its own whose keys are pk
// and sk, text both, with the indexes that tableSpec has.
type scenario struct {
	About string `json:"about"`
	// Why is the reason of the difference where a call has ours.
	Why   string `json:"why,omitempty"`
	Calls []call `json:"calls"`
}

// A call is a request and the answer that both must give. TableName is left
// out of it: it is put where it belongs. "$T" is the table's name where it must
// be said, and "$x:N" a text of N bytes.
type call struct {
	Do     string          `json:"do"`
	In     json.RawMessage `json:"in"`
	Answer json.RawMessage `json:"answer,omitempty"`
	// Ours is our answer where it is another one, for the scenario's reason.
	Ours json.RawMessage `json:"ours,omitempty"`
}

// tableSpec is the scenarios' table.
const tableSpec = `{"BillingMode": "PAY_PER_REQUEST",
	"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
	"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"},
		{"AttributeName": "lane", "AttributeType": "S"}, {"AttributeName": "at", "AttributeType": "S"}, {"AttributeName": "rank", "AttributeType": "N"}],
	"GlobalSecondaryIndexes": [
		{"IndexName": "when", "KeySchema": [{"AttributeName": "lane", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "ALL"}},
		{"IndexName": "rank", "KeySchema": [{"AttributeName": "lane", "KeyType": "HASH"}, {"AttributeName": "rank", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "KEYS_ONLY"}}]}`

// load reads testdata.
func load() ([]file, error) {
	entries, err := testdata.ReadDir("testdata")
	if err != nil {
		return nil, err
	}
	var files []file
	for _, e := range entries {
		b, err := testdata.ReadFile(path.Join("testdata", e.Name()))
		if err != nil {
			return nil, err
		}
		f := file{name: strings.TrimSuffix(e.Name(), ".json")}
		strict := json.NewDecoder(bytes.NewReader(b))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&f.scenarios); err != nil {
			return nil, fmt.Errorf("testdata/%s: %w", e.Name(), err)
		}
		files = append(files, f)
	}
	return files, nil
}

// encode writes a file's scenarios as testdata has them: a call's request and
// its answers on a line each.
func (f file) encode() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("[\n")
	for i, s := range f.scenarios {
		fmt.Fprintf(&b, " {\"about\": %s,", quote(s.About))
		if s.Why != "" {
			fmt.Fprintf(&b, "\n  \"why\": %s,", quote(s.Why))
		}
		b.WriteString(" \"calls\": [\n")
		for j, c := range s.Calls {
			fmt.Fprintf(&b, "  {\"do\": %s, \"in\": %s", quote(c.Do), c.In)
			if c.Answer != nil {
				fmt.Fprintf(&b, ",\n   \"answer\": %s", c.Answer)
			}
			if c.Ours != nil {
				fmt.Fprintf(&b, ",\n   \"ours\": %s", c.Ours)
			}
			b.WriteString("}" + comma(j, len(s.Calls)) + "\n")
		}
		b.WriteString(" ]}" + comma(i, len(f.scenarios)) + "\n")
	}
	b.WriteString("]\n")
	if !json.Valid(b.Bytes()) {
		return nil, fmt.Errorf("testdata/%s.json would be no JSON", f.name)
	}
	return b.Bytes(), nil
}

func comma(i, n int) string {
	if i == n-1 {
		return ""
	}
	return ","
}

func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be encoded
	return bytes.TrimSpace(b.Bytes())
}
