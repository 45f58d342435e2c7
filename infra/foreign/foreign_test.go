package foreign

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestRequirement(t *testing.T) {
	for _, tc := range []struct {
		p    Package
		want string
	}{
		{Package{"moto", "server", "5.2.5"}, "moto[server]==5.2.5"},
		{Package{"ministack", "", "1.5.33"}, "ministack==1.5.33"},
	} {
		if got := tc.p.requirement(); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}

func TestInstallWithoutPython(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Install(context.Background(), io.Discard, Package{Name: "moto", Version: "5"}); !errors.Is(err, ErrNoPython) {
		t.Errorf("got %v, want %v", err, ErrNoPython)
	}
}

// An install that did not come to its end is made again, and what pip says
// about a failure is handed on.
func TestInstall(t *testing.T) {
	cache, bin := t.TempDir(), t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	// This Python makes an environment whose pip fails for the version 2.
	python := `#!/bin/sh
if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; exit; fi
case "$*" in *==2) echo "no such version"; exit 1;; esac
echo "$*" >>` + filepath.Join(bin, "asked") + "\n"
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte(python), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is there
		got, err := Install(context.Background(), io.Discard, Package{Name: "judge", Version: "1"})
		if want := filepath.Join(cache, "waypost", "judge-1", "bin", "python"); err != nil || got != want {
			t.Fatalf("got %s, %v, want %s", got, err, want)
		}
	}
	asked, err := os.ReadFile(filepath.Join(bin, "asked"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Count(string(asked), "judge==1"), 1; got != want {
		t.Errorf("pip was asked %d times, want %d:\n%s", got, want, asked)
	}
	_, err = Install(context.Background(), io.Discard, Package{Name: "judge", Version: "2"})
	if err == nil || !strings.Contains(err.Error(), "no such version") {
		t.Errorf("got %v, want what pip said", err)
	}
	if _, err := os.Stat(filepath.Join(cache, "waypost", "judge-2", "installed")); err == nil {
		t.Error("what failed counts as installed")
	}
}

func TestServer(t *testing.T) {
	s, err := Start(exec.Command("sleep", "600"))
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	err = s.Ready(context.Background(), func(context.Context) error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || asked != 3 {
		t.Errorf("got %v after %d questions", err, asked)
	}
	s.Stop()
	select {
	case <-s.ended:
	default:
		t.Error("it still runs")
	}
	if err := s.Ready(context.Background(), func(context.Context) error { return errors.New("gone") }); err == nil {
		t.Error("a server that ended is ready")
	}
}
