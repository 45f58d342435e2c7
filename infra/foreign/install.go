// Package foreign runs programs that others wrote, which the project is held
// against: it installs packages of PyPI in the user's cache folder, and runs
// servers as child processes on the loopback.
//
// Nothing is installed for the system, and nothing outlives its Server.
package foreign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrNoPython says that this machine has no Python.
var ErrNoPython = errors.New("python3 not found: install Python 3.10 or later from https://www.python.org or your system's packages")

// A Package is one of PyPI's, at one version.
type Package struct {
	Name    string // such as moto
	Extra   string // such as server, or none
	Version string
}

// requirement is what pip calls it.
func (p Package) requirement() string {
	if p.Extra == "" {
		return p.Name + "==" + p.Version
	}
	return p.Name + "[" + p.Extra + "]==" + p.Version
}

// Install makes a virtual environment with the package in the user's cache
// folder, unless it is there, and gives the path of its Python. Its error is
// ErrNoPython where there is no Python, else what pip said.
func Install(ctx context.Context, out io.Writer, p Package) (python string, _ error) {
	outside, err := exec.LookPath("python3")
	if err != nil {
		return "", ErrNoPython
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "waypost", p.Name+"-"+p.Version)
	python = filepath.Join(dir, "bin", "python")
	done := filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return python, nil
	}
	fmt.Fprintf(out, "installing %s %s in %s\n", p.Name, p.Version, dir)
	for _, args := range [][]string{
		{outside, "-m", "venv", dir},
		{python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", p.requirement()},
	} {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		if said, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("installing %s: %v: %w\n%s", p.Name, args, err, said)
		}
	}
	return python, os.WriteFile(done, nil, 0o644) // only now: an interrupted install is made again
}
