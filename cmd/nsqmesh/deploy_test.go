package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"
)

const deployFolder = "../../deploy"

func deployed(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(deployFolder, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// defaultPorts are those that a node listens on unless it is told otherwise.
func defaultPorts() map[int]bool {
	ports := map[int]bool{4152: true} // HTTPS, which has no default
	for _, o := range allOptions() {
		if _, port, ok := strings.Cut(o.def, "0.0.0.0:"); ok {
			n, _ := strconv.Atoi(port)
			ports[n] = true
		}
	}
	return ports
}

// What deploy/ tells a node on its command line is what a node understands, and the ports are those that it listens on.
func TestDeployedCommandLines(t *testing.T) {
	flag := regexp.MustCompile(`--[a-z][a-z-]+=?[^\s,\]"]*`)
	port := regexp.MustCompile(`\b41[0-9]{2}\b`)
	known := map[string]bool{}
	for _, o := range allOptions() {
		known[o.name] = true
	}
	for _, file := range []string{"Dockerfile", "compose.yaml", "kubernetes/nodes.yaml", "kubernetes/services.yaml", "kubernetes/protection.yaml", "debian/nsqmesh.service"} {
		t.Run(file, func(t *testing.T) {
			text := deployed(t, file)
			for _, line := range strings.Split(text, "\n") {
				if strings.HasPrefix(line, "#") || !strings.Contains(line, "serve") && !strings.Contains(line, "- --") {
					continue
				}
				for _, f := range flag.FindAllString(line, -1) {
					if name, _, _ := strings.Cut(strings.TrimPrefix(f, "--"), "="); !known[name] {
						t.Errorf("a node has no option %s", f)
					}
				}
			}
			for _, p := range port.FindAllString(text, -1) {
				if n, _ := strconv.Atoi(p); !defaultPorts()[n] {
					t.Errorf("a node has no port %s", p)
				}
			}
		})
	}
}

// The config file of the package is understood, with the lines that it only suggests as well.
func TestDeployedConfig(t *testing.T) {
	text := deployed(t, "debian/nsqmesh.toml")
	all := regexp.MustCompile(`(?m)^# ([a-z_]+ = )`).ReplaceAllString(text, "$1")
	if all == text {
		t.Fatal("nothing is suggested")
	}
	for name, config := range map[string]string{"as it is": text, "with all that it suggests": all} {
		if _, err := parseServe([]string{"--config", tempFile(t, config)}, nil, io.Discard); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// object is what the test looks at of a Kubernetes object.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		ClusterIP   string `yaml:"clusterIP"`
		ServiceName string `yaml:"serviceName"`
		Selector    map[string]any
		PodSelector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		} `yaml:"podSelector"`
		Ports    []port
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct{ Containers []container }
		}
	}
}

type port struct {
	Name, Protocol string
	Port           int
	ContainerPort  int `yaml:"containerPort"`
}

type container struct {
	Ports     []port
	Startup   probe `yaml:"startupProbe"`
	Liveness  probe `yaml:"livenessProbe"`
	Readiness probe `yaml:"readinessProbe"`
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

func objects(t *testing.T) map[string]object {
	t.Helper()
	all := map[string]object{}
	for _, file := range []string{"namespace.yaml", "services.yaml", "nodes.yaml", "protection.yaml"} {
		decoder := yaml.NewDecoder(strings.NewReader(deployed(t, "kubernetes/"+file)))
		for {
			var o object
			err := decoder.Decode(&o)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all[o.Kind+"/"+o.Metadata.Name] = o
		}
	}
	return all
}

// The Kubernetes objects fit together: services lead to ports that the pods have, selectors to the pods, probes to paths of
// the API.
func TestDeployedKubernetes(t *testing.T) {
	all := objects(t)
	set, ok := all["StatefulSet/nsqmesh"]
	if !ok || len(set.Spec.Template.Spec.Containers) != 1 {
		t.Fatal("there is no StatefulSet with one container")
	}
	pod, labels := set.Spec.Template.Spec.Containers[0], set.Spec.Template.Metadata.Labels
	has := func(p port) bool {
		return slices.ContainsFunc(pod.Ports, func(c port) bool {
			return c.Name == p.Name && c.ContainerPort == p.Port && c.Protocol == p.Protocol
		})
	}
	for _, name := range []string{"Service/nsqmesh", "Service/" + set.Spec.ServiceName} {
		for _, p := range all[name].Spec.Ports {
			if !has(p) {
				t.Errorf("%s leads to %s %d, which the pods have not", name, p.Name, p.Port)
			}
		}
		if len(all[name].Spec.Ports) < 5 || all[name].Spec.Selector["app.kubernetes.io/name"] != labels["app.kubernetes.io/name"] {
			t.Errorf("%s selects %v", name, all[name].Spec.Selector)
		}
	}
	if all["Service/"+set.Spec.ServiceName].Spec.ClusterIP != "None" {
		t.Error("the service that names the pods is not headless")
	}
	for _, name := range []string{"StatefulSet/nsqmesh", "PodDisruptionBudget/nsqmesh"} {
		match, _ := all[name].Spec.Selector["matchLabels"].(map[any]any)
		if match["app.kubernetes.io/name"] != labels["app.kubernetes.io/name"] {
			t.Errorf("%s selects %v", name, all[name].Spec.Selector)
		}
	}
	if all["NetworkPolicy/nsqmesh"].Spec.PodSelector.MatchLabels["app.kubernetes.io/name"] != labels["app.kubernetes.io/name"] {
		t.Error("the network policy selects other pods")
	}
	for path, p := range map[string]probe{"/health/live": pod.Liveness, "/health/ready": pod.Readiness} {
		if p.HTTPGet.Path != path || p.HTTPGet.Port != "nsqd-http" {
			t.Errorf("%s is asked for by %+v", path, p)
		}
	}
}

// The tools of those who will run it have no complaint, where they are installed.
func TestDeployedLint(t *testing.T) {
	for name, line := range map[string]string{
		"promtool":        "promtool check config prometheus/prometheus.yml",
		"kubectl":         "kubectl kustomize kubernetes",
		"systemd-analyze": `! systemd-analyze verify debian/nsqmesh.service 2>&1 | grep -v "nsqmesh is not executable" | grep nsqmesh.service`,
		"sh":              "sh -n debian/postinst && sh -n debian/prerm",
		"bash":            "bash -n run-one && bash -n run-cluster && bash -n release",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(name); err != nil {
				t.Skip(name + " is not here")
			}
			cmd := exec.Command("bash", "-c", line)
			cmd.Dir = deployFolder
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
