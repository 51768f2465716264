package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// config says what to do to which mesh.
type config struct {
	bin     string
	nodes   int
	load    time.Duration
	seed    uint64
	faults  []string
	setting string
	rate    int // messages a second, all producers together
	dir     string
	env     []string // of the nodes, beside the own
	keyFile string   // keys of gossip, if it is encrypted
	quiet   bool
	equal   time.Duration // how long nodes may take to tell the same
}

func main() {
	cfg, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if inside, err := enterHub(ctx, cfg); err != nil || inside {
		end(err)
	}
	verdict, err := run(ctx, cfg)
	if err != nil {
		end(err)
	}
	verdict.print(os.Stdout)
	if !verdict.good() {
		os.Exit(1)
	}
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func parse(args []string) (config, error) {
	var c config
	flags := flag.NewFlagSet("torture", flag.ContinueOnError)
	flags.StringVar(&c.bin, "bin", "bin/nsqmesh", "the `program` whose nodes are tortured")
	flags.IntVar(&c.nodes, "nodes", 3, "how many nodes, 2 to 9")
	seconds := flags.Int("seconds", 60, "how long faults strike")
	flags.Uint64Var(&c.seed, "seed", 0, "makes the plan of faults; 0 takes any and prints it")
	names := flags.String("faults", "all", "all, none, or some of: "+strings.Join(faultNames(), ","))
	flags.StringVar(&c.setting, "setting", "memory", "how the nodes keep messages: "+strings.Join(settingNames(), ", "))
	flags.IntVar(&c.rate, "rate", 1500, "messages a second, all producers together")
	flags.StringVar(&c.dir, "dir", "", "where data and logs of the nodes go and stay; a temporary folder otherwise, kept if the check fails")
	flags.BoolVar(&c.quiet, "quiet", false, "print the table alone")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	c.equal = 20 * time.Second
	c.load = time.Duration(*seconds) * time.Second
	if c.seed == 0 {
		c.seed = rand.Uint64N(1 << 32)
	}
	return c, c.check(*names)
}

func (c *config) check(names string) error {
	switch names {
	case "all":
		c.faults = faultNames()
	case "none":
	default:
		c.faults = strings.Split(names, ",")
	}
	for _, name := range c.faults {
		if !slices.Contains(faultNames(), name) {
			return fmt.Errorf("there is no fault %q", name)
		}
	}
	if _, ok := settings[c.setting]; !ok {
		return fmt.Errorf("there is no setting %q", c.setting)
	}
	if c.nodes < 2 || c.nodes > 9 || c.load < time.Second || c.rate < 1 {
		return fmt.Errorf("-nodes must be 2 to 9, -seconds and -rate at least 1")
	}
	return nil
}

func (c *config) say(format string, args ...any) {
	if !c.quiet {
		fmt.Printf("%s "+format+"\n", append([]any{time.Now().Format("15:04:05.000")}, args...)...)
	}
}
