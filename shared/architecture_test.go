// Package shared holds no code of its own: this test holds its packages to the
// architecture.
package shared

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/waypost/waypost/"

// outside are the packages that may meet AWS: adapters, named by technology,
// the one edge to Lambda, and what puts the functions together.
var outside = []string{"assemble", "awserror", "dynamo", "lambdaedge", "secretsmanager", "sqs", "stepfunctions"}

// technology are modules that the domain and the handlers never import.
var technology = []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go", "github.com/aws/aws-lambda-go", "github.com/aws/aws-cdk-go"}

// TestDomainImportsNoTechnology holds that dependencies point one way:
// functions to handlers to domain, and adapters to domain.
func TestDomainImportsNoTechnology(t *testing.T) {
	seen := 0
	eachFile(t, ".", func(file string, imports []string) {
		pkg := strings.Split(file, "/")[0]
		if slices.Contains(outside, pkg) || strings.HasSuffix(file, "_test.go") {
			return
		}
		seen++
		for _, imported := range imports {
			for _, tech := range technology {
				if strings.HasPrefix(imported, tech) {
					t.Errorf("shared/%s imports %s: only adapters may", file, imported)
				}
			}
			inner, ours := strings.CutPrefix(imported, module+"shared/")
			if ours && slices.Contains(outside, strings.Split(inner, "/")[0]) {
				t.Errorf("shared/%s imports %s: the domain knows no adapter", file, imported)
			}
			if strings.HasPrefix(imported, module+"infra/") || strings.HasPrefix(imported, module+"functions/") {
				t.Errorf("shared/%s imports %s: dependencies point the other way", file, imported)
			}
		}
	})
	if seen < 20 {
		t.Fatalf("only %d files seen: the walk is wrong", seen)
	}
}

// TestFunctionsOnlyStart holds that a function's folder has main.go alone, of
// at most 40 lines.
func TestFunctionsOnlyStart(t *testing.T) {
	folders, err := os.ReadDir("../functions")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		files, err := os.ReadDir(filepath.Join("../functions", f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) != 1 || files[0].Name() != "main.go" {
			t.Errorf("functions/%s must hold main.go alone", f.Name())
			continue
		}
		src, err := os.ReadFile(filepath.Join("../functions", f.Name(), "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(src, []byte("\n")); n > 40 {
			t.Errorf("functions/%s/main.go has %d lines, over 40", f.Name(), n)
		}
	}
}

// TestPackagesSayWhatTheyAre holds that every package has a comment.
func TestPackagesSayWhatTheyAre(t *testing.T) {
	said := map[string]bool{}
	for _, root := range []string{".", "../functions", "../infra", "../statemachines"} {
		walk(t, root, func(file string) {
			if strings.HasSuffix(file, "_test.go") {
				return
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			dir := path.Dir(file)
			said[dir] = said[dir] || parsed.Doc != nil
		})
	}
	for dir, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

func eachFile(t *testing.T, root string, visit func(file string, imports []string)) {
	t.Helper()
	walk(t, root, func(file string) {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		var imports []string
		for _, i := range parsed.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			imports = append(imports, name)
		}
		visit(file, imports)
	})
}

func walk(t *testing.T, root string, visit func(file string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "testdata" {
			return filepath.SkipDir
		}
		if err == nil && strings.HasSuffix(p, ".go") {
			visit(filepath.ToSlash(p))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
