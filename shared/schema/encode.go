package schema

import (
	"bytes"
	"encoding/json"
)

// Encode writes a value as compact JSON. Unlike json.Marshal it leaves <, >
// and & as they are: for HTML's sake they would take six bytes each, and what
// holds customers' texts would outgrow the limits of what keeps and carries it.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
