package settings

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/admin"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// defaults are the settings as they are when nothing is set.
func defaults[T any](t *testing.T) T {
	t.Helper()
	var s T
	parser, err := kong.New(&s, kong.Exit(func(int) { t.Fatal("exit") }))
	if err != nil {
		t.Fatal(err)
	}
	// The environment of the test is not to be seen.
	for _, flag := range parser.Model.Flags {
		flag.Tag.Envs = nil
	}
	if _, err := parser.Parse(nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// service are the defaults with the key that has none.
func service(t *testing.T, change func(*Service)) Service {
	t.Helper()
	s := defaults[Service](t)
	s.APIKey = "vibe_api_test"
	if change != nil {
		change(&s)
	}
	return s
}

// variables are the names of the settings that a Parse found wrong.
func variables(t *testing.T, err error) []string {
	t.Helper()
	faults, ok := errors.AsType[Faults](err)
	if err != nil && !ok {
		t.Fatalf("error %T is not a Faults: %v", err, err)
	}
	var names []string
	for _, f := range faults {
		if f.Problem == "" || f.Remedy == "" {
			t.Errorf("%s: problem %q, remedy %q: want both", f.Variable, f.Problem, f.Remedy)
		}
		names = append(names, f.Variable)
	}
	return names
}

func TestDefaultsParse(t *testing.T) {
	t.Parallel()
	c, err := service(t, nil).Parse()
	if err != nil {
		t.Fatal(err)
	}
	want := crmclient.Config{
		BaseURL: "https://vibecode.bitrix24.tech", APIKey: crmclient.Secret{Value: "vibe_api_test"},
		Timeout: 35 * time.Second, QueueLimit: 30 * time.Second, Settle: 5 * time.Second,
		Slots: 2, BatchSize: 50, RequestsPerMinute: 300, RequestsPerSecond: crmclient.RateAuto,
		OriginField: "auto", Originator: "leadbridge",
		MaxAttempts: 6, BackoffInitial: 500 * time.Millisecond, BackoffMax: time.Minute, FloodLimit: 100,
	}
	ignoreFuncs := cmp.FilterValues(func(x, y zerolog.Logger) bool { return true }, cmp.Ignore())
	if diff := cmp.Diff(want, c.CRM, ignoreFuncs); diff != "" {
		t.Errorf("CRM (-want +got):\n%s", diff)
	}
	k := c.Consumer
	got := []any{k.Brokers.Addresses, k.Topic, k.DeadLetterTopic, k.GroupID, k.Brokers.Dial == nil, k.Brokers.SASL == nil, k.SessionTimeout, k.DrainTimeout, k.Window, k.MaxBuffer, k.DedupeWindow}
	wantKafka := []any{[]string{"localhost:9092"}, "leads", "leads.dlt", "leadbridge", true, true, 30 * time.Second, 20 * time.Second, 256, int64(64 << 20), 10000}
	if diff := cmp.Diff(wantKafka, got); diff != "" {
		t.Errorf("Kafka (-want +got):\n%s", diff)
	}
	if len(c.Warnings) > 0 || c.HTTPAddr != ":8080" || c.SourceID != "WEB" || c.Log != (LogConfig{Level: zerolog.InfoLevel}) || c.Transformer == nil {
		t.Errorf("rest: %+v", c)
	}
	if c.Grace() != 25*time.Second {
		t.Errorf("grace %s, want 25s", c.Grace())
	}
}

// TestAllFaultsAtOnce sets everything wrong that can be set wrong beside the rest.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	s := Service{}
	setTexts(reflect.ValueOf(&s).Elem(), "\x01 wrong")
	s.TLS = "true"
	_, err := s.Parse()
	want := []string{
		"KAFKA_BROKERS", "KAFKA_TOPIC",
		"KAFKA_TLS_CA_FILE", "KAFKA_TLS_CERT_FILE", "KAFKA_TLS_KEY_FILE", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_PASSWORD",
		"KAFKA_DLT_TOPIC", "KAFKA_DLT_TOPIC",
		"KAFKA_RESULT_TOPIC", "KAFKA_RESULT_TOPIC", "KAFKA_GROUP_ID", "KAFKA_SESSION_TIMEOUT", "KAFKA_STATE_TOPIC", "KAFKA_STATE_TOPIC",
		"CRM_BASE_URL", "CRM_API_KEY", "CRM_SESSION_TOKEN", "CRM_TIMEOUT", "CRM_QUEUE_LIMIT", "CRM_SETTLE", "CRM_SLOTS", "CRM_BATCH_SIZE",
		"CRM_REQUESTS_PER_MINUTE", "CRM_REQUESTS_PER_SECOND", "CRM_ORIGIN_FIELD", "TRACKING_FIELDS", "CRM_LOOKUP", "CRM_MAX_ATTEMPTS",
		"CRM_BACKOFF_INITIAL", "CRM_BACKOFF_MAX", "CRM_FLOOD_LIMIT", "CRM_ORIGINATOR",
		"CRM_TARGET", "CRM_COMMENT", "DEAL_CATEGORY_ID", "CRM_MATCH_MANY", "CRM_ON_MATCH", "CRM_MATCH", "PORTAL_PROFILE", "PHONE_REGION", "LEAD_TITLE", "DEAL_TITLE", "MAPPING_FILE",
		"SCHEMA_REGISTRY_URL", "SCHEMA_REGISTRY_PASSWORD", "SCHEMA_REGISTRY_TOKEN", "SCHEMA_REGISTRY_TOKEN",
		"SCHEMA_REGISTRY_CA_FILE", "SCHEMA_REGISTRY_CERT_FILE", "SCHEMA_REGISTRY_KEY_FILE", "WINDOW", "MAX_BUFFER", "ORDER_BY", "FRESH_FIRST", "DEDUPE_WINDOW", "DRAIN_TIMEOUT", "PAUSED", "HTTP_ADDR",
		"ADMIN_TOKEN", "ADMIN_TOKENS_FILE", "ADMIN_OIDC_ISSUER", "ADMIN_OIDC_CLIENT_SECRET", "ADMIN_OIDC_REDIRECT_URL",
		"ADMIN_OIDC_NAME_CLAIM", "ADMIN_OIDC_ROLES_CLAIM", "ADMIN_OIDC_CA_FILE", "ADMIN_OIDC_CLIENT_ID", "ADMIN_OIDC_SCOPES", "ADMIN_OIDC_TITLE", "ADMIN_OIDC_SESSION", "ADMIN_OIDC_ROLES", "ADMIN_ADDR", "LOG_LEVEL", "LOG_FORMAT",
		"OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS",
		"OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER",
	}
	if diff := cmp.Diff(want, variables(t, err)); diff != "" {
		t.Errorf("faults (-want +got):\n%s\n%v", diff, err)
	}
	if lines := strings.Count(err.Error(), "\n"); lines != len(want) {
		t.Errorf("%d lines for %d faults:\n%v", lines, len(want), err)
	}
}

// setTexts sets all settings of a group, and of the groups in it.
func setTexts(group reflect.Value, text string) {
	for _, field := range group.Fields() {
		if field.Kind() == reflect.Struct {
			setTexts(field, text)
			continue
		}
		field.SetString(text)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty, secret, lines := file("empty", " \n"), file("secret", "vibe_api_file\n"), file("lines", "a\nb")
	tokens := file("tokens", "tokens: [{name: a, role: look, hash: \""+admin.TokenHash("a")+"\"}]")
	jq, badJQ := file("good.jq", "."), file("bad.jq", ".[")
	for name, c := range map[string]struct {
		change func(*Service)
		want   []string // variables at fault
	}{
		"results into the events":  {func(s *Service) { s.ResultTopic = " leads " }, []string{"KAFKA_RESULT_TOPIC"}},
		"results into the letters": {func(s *Service) { s.ResultTopic = "leads.dlt" }, []string{"KAFKA_RESULT_TOPIC"}},
		"results of their own":     {func(s *Service) { s.ResultTopic = "leads.results" }, nil},
		"state into the events":    {func(s *Service) { s.StateTopic = " leads " }, []string{"KAFKA_STATE_TOPIC"}},
		"state into the letters":   {func(s *Service) { s.StateTopic = "leads.dlt" }, []string{"KAFKA_STATE_TOPIC"}},
		"state into the results":   {func(s *Service) { s.ResultTopic, s.StateTopic = "x", "x" }, []string{"KAFKA_STATE_TOPIC"}},
		"state of its own":         {func(s *Service) { s.StateTopic = "leads.state" }, nil},
		"no key":                   {func(s *Service) { s.APIKey = "" }, []string{"CRM_API_KEY"}},
		"key file":                 {func(s *Service) { s.APIKey, s.APIKeyFile = "", secret }, nil},
		"key twice":                {func(s *Service) { s.APIKeyFile = secret }, []string{"CRM_API_KEY"}},
		"key file missing":         {func(s *Service) { s.APIKey, s.APIKeyFile = "", dir+"/none" }, []string{"CRM_API_KEY_FILE"}},
		"key file empty":           {func(s *Service) { s.APIKey, s.APIKeyFile = "", empty }, []string{"CRM_API_KEY_FILE"}},
		"key file of lines":        {func(s *Service) { s.APIKey, s.APIKeyFile = "", lines }, []string{"CRM_API_KEY_FILE"}},
		"session twice":            {func(s *Service) { s.SessionToken, s.SessionTokenFile = "a", secret }, []string{"CRM_SESSION_TOKEN"}},
		"broker list":              {func(s *Service) { s.Brokers = "a, b:9093,[::1]:9094,," }, nil},
		"broker with scheme":       {func(s *Service) { s.Brokers = "kafka://a:9092" }, []string{"KAFKA_BROKERS"}},
		"broker with port name":    {func(s *Service) { s.Brokers = "a:x,b:70000" }, []string{"KAFKA_BROKERS", "KAFKA_BROKERS"}},
		"no broker":                {func(s *Service) { s.Brokers = " , " }, []string{"KAFKA_BROKERS"}},
		"one topic for both":       {func(s *Service) { s.DLTTopic = "leads" }, []string{"KAFKA_DLT_TOPIC"}},
		"topic of dots":            {func(s *Service) { s.Topic.Topic = ".." }, []string{"KAFKA_TOPIC"}},
		"duration without unit":    {func(s *Service) { s.CRM.Timeout = "35" }, []string{"CRM_TIMEOUT"}},
		"duration of nothing":      {func(s *Service) { s.SessionTimeout = "0s" }, []string{"KAFKA_SESSION_TIMEOUT"}},
		"negative duration":        {func(s *Service) { s.Settle = "-1s" }, []string{"CRM_SETTLE"}},
		"no drain, no settle":      {func(s *Service) { s.DrainTimeout, s.Settle, s.QueueLimit = "0s", "0", "0s" }, nil},
		"drain beyond the session": {func(s *Service) { s.DrainTimeout = "10m" }, nil},
		"timeout below the queue":  {func(s *Service) { s.CRM.Timeout = "10s" }, nil},
		"no slots":                 {func(s *Service) { s.Slots = "0" }, []string{"CRM_SLOTS"}},
		"no batch":                 {func(s *Service) { s.BatchSize = "0" }, []string{"CRM_BATCH_SIZE"}},
		"one by one":               {func(s *Service) { s.BatchSize = "1" }, nil},
		"no limits":                {func(s *Service) { s.RequestsPerMinute, s.RequestsPerSecond, s.FloodLimit = "0", "0", "0" }, nil},
		"half a request":           {func(s *Service) { s.RequestsPerSecond = "0.5" }, nil},
		"limit that is none":       {func(s *Service) { s.RequestsPerMinute = "auto" }, []string{"CRM_REQUESTS_PER_MINUTE"}},
		"limit beyond numbers":     {func(s *Service) { s.RequestsPerMinute = "NaN" }, []string{"CRM_REQUESTS_PER_MINUTE"}},
		"buffer in MB":             {func(s *Service) { s.MaxBuffer = "64 MB" }, nil},
		"buffer in bytes":          {func(s *Service) { s.MaxBuffer = "67108864" }, nil},
		"buffer in parsecs":        {func(s *Service) { s.MaxBuffer = "64pc" }, []string{"MAX_BUFFER"}},
		"buffer too small":         {func(s *Service) { s.MaxBuffer = "1KiB" }, []string{"MAX_BUFFER"}},
		"buffer beyond numbers":    {func(s *Service) { s.MaxBuffer = "1e300" }, []string{"MAX_BUFFER"}},
		"url of files":             {func(s *Service) { s.BaseURL = "ftp://crm" }, []string{"CRM_BASE_URL"}},
		"url with a user":          {func(s *Service) { s.BaseURL = "https://me:secret@crm" }, []string{"CRM_BASE_URL"}},
		"url with a query":         {func(s *Service) { s.BaseURL = "https://crm?a=b" }, []string{"CRM_BASE_URL"}},
		"url alone":                {func(s *Service) { s.BaseURL = "crm.example" }, []string{"CRM_BASE_URL"}},
		"http url with port":       {func(s *Service) { s.BaseURL = "http://localhost:8080" }, nil},
		"region in lower case":     {func(s *Service) { s.PhoneRegion = "kz" }, nil},
		"region of three letters":  {func(s *Service) { s.PhoneRegion = "RUS" }, []string{"PHONE_REGION"}},
		"region beside a mapping":  {func(s *Service) { s.PhoneRegion, s.MappingFile = "RUS", jq }, []string{"PHONE_REGION"}},
		"region and preset":        {func(s *Service) { s.PhoneRegion, s.MappingFile = "RUS", "preset:nope" }, []string{"PHONE_REGION", "MAPPING_FILE"}},
		"tracking":                 {func(s *Service) { s.Tracking = "utm_source, gclid,_ym_uid,utm_anything" }, nil},
		"tracking, all":            {func(s *Service) { s.Tracking = "ALL" }, nil},
		"tracking unknown":         {func(s *Service) { s.Tracking = "gclid,shoe_size" }, []string{"TRACKING_FIELDS"}},
		"mapping":                  {func(s *Service) { s.MappingFile = jq }, nil},
		"mapping preset":           {func(s *Service) { s.MappingFile = "preset:typeform" }, nil},
		"mapping preset unknown":   {func(s *Service) { s.MappingFile = "preset:none" }, []string{"MAPPING_FILE"}},
		"mapping does not compile": {func(s *Service) { s.MappingFile = badJQ }, []string{"MAPPING_FILE"}},
		"mapping empty":            {func(s *Service) { s.MappingFile = empty }, []string{"MAPPING_FILE"}},
		"mapping missing":          {func(s *Service) { s.MappingFile = dir + "/none.jq" }, []string{"MAPPING_FILE"}},
		"level in upper case":      {func(s *Service) { s.Level, s.Format = "DEBUG", "Console" }, nil},
		"level of another logger":  {func(s *Service) { s.Level = "fatal!" }, []string{"LOG_LEVEL"}},
		"address without port":     {func(s *Service) { s.Addr = "localhost" }, []string{"HTTP_ADDR"}},
		"any free port":            {func(s *Service) { s.Addr = "127.0.0.1:0" }, nil},
		"page on loopback":         {func(s *Service) { s.AdminAddr = "127.0.0.1:8081" }, nil},
		"page on localhost":        {func(s *Service) { s.AdminAddr = "LocalHost:8081" }, nil},
		"page on IPv6 loopback":    {func(s *Service) { s.AdminAddr = "[::1]:8081" }, nil},
		"page for all, no token":   {func(s *Service) { s.AdminAddr = ":8081" }, []string{"ADMIN_TOKEN"}},
		"page by name, no token":   {func(s *Service) { s.AdminAddr = "localhost.example.com:8081" }, []string{"ADMIN_TOKEN"}},
		"page for all, token":      {func(s *Service) { s.AdminAddr, s.AdminToken = ":8081", "0123456789abcdef" }, nil},
		"page for all, token file": {func(s *Service) { s.AdminAddr, s.AdminTokenFile = ":8081", secret }, nil},
		"page token twice":         {func(s *Service) { s.AdminAddr, s.AdminToken, s.AdminTokenFile = ":8081", "a", secret }, []string{"ADMIN_TOKEN"}},
		"page token file empty":    {func(s *Service) { s.AdminAddr, s.AdminTokenFile = ":8081", empty }, []string{"ADMIN_TOKEN_FILE"}},
		"page tokens":              {func(s *Service) { s.AdminAddr, s.AdminTokens = ":8081", tokens }, nil},
		"page tokens and token":    {func(s *Service) { s.AdminAddr, s.AdminTokens, s.AdminTokenFile = ":8081", tokens, secret }, []string{"ADMIN_TOKENS_FILE"}},
		"page tokens wrong":        {func(s *Service) { s.AdminAddr, s.AdminTokens = ":8081", secret }, []string{"ADMIN_TOKENS_FILE"}},
		"page tokens missing":      {func(s *Service) { s.AdminAddr, s.AdminTokens = ":8081", dir+"/none" }, []string{"ADMIN_TOKENS_FILE"}},
		"page without port":        {func(s *Service) { s.AdminAddr = "localhost" }, []string{"ADMIN_ADDR"}},
		"page where probes are":    {func(s *Service) { s.AdminAddr, s.Addr = ":8080", ":8080" }, []string{"ADMIN_ADDR"}},
		"page on a probe's port":   {func(s *Service) { s.AdminAddr, s.Addr = "127.0.0.1:8080", ":8080" }, []string{"ADMIN_ADDR"}},
		"page beside probes":       {func(s *Service) { s.AdminAddr, s.Addr = "127.0.0.1:8080", "10.0.0.1:8080" }, nil},
		"page and probes anywhere": {func(s *Service) { s.AdminAddr, s.Addr = "127.0.0.1:0", "127.0.0.1:0" }, nil},
		"registry":                 {func(s *Service) { s.RegistryURL = "https://a.example, http://localhost:8081/apis/ccompat/v7" }, nil},
		"registry by name":         {func(s *Service) { s.RegistryURL = "registry.example" }, []string{"SCHEMA_REGISTRY_URL"}},
		"registry with a user":     {func(s *Service) { s.RegistryURL = "https://me:hush@a.example" }, []string{"SCHEMA_REGISTRY_URL"}},
		"registry login": {func(s *Service) {
			s.RegistryURL, s.RegistryUsername, s.RegistryPasswordFile = "https://a", "me", secret
		}, nil},
		"registry user alone":        {func(s *Service) { s.RegistryURL, s.RegistryUsername = "https://a", "me" }, []string{"SCHEMA_REGISTRY_PASSWORD"}},
		"registry password alone":    {func(s *Service) { s.RegistryURL, s.RegistryPassword = "https://a", "x" }, []string{"SCHEMA_REGISTRY_USERNAME"}},
		"registry token and user":    {func(s *Service) { s.RegistryURL, s.RegistryToken, s.RegistryUsername = "https://a", "x", "me" }, []string{"SCHEMA_REGISTRY_TOKEN"}},
		"registry token":             {func(s *Service) { s.RegistryURL, s.RegistryToken = "https://a", "x" }, nil},
		"registry login and no url":  {func(s *Service) { s.RegistryToken, s.RegistryCAFile = "x", "ca.pem" }, []string{"SCHEMA_REGISTRY_TOKEN", "SCHEMA_REGISTRY_CA_FILE"}},
		"registry certificate alone": {func(s *Service) { s.RegistryURL, s.RegistryCertFile = "https://a", "c.pem" }, []string{"SCHEMA_REGISTRY_KEY_FILE"}},
		"region and mapping": {
			func(s *Service) { s.PhoneRegion, s.MappingFile = "XX", badJQ },
			[]string{"PHONE_REGION", "MAPPING_FILE"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := service(t, c.change).Parse()
			if diff := cmp.Diff(c.want, variables(t, err)); diff != "" {
				t.Errorf("faults (-want +got):\n%s\n%v", diff, err)
			}
		})
	}
}

// TestFaultsKeepSecrets sets wrong secrets and looks for them in what is told.
func TestFaultsKeepSecrets(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"https://me:hush@crm", "ftp://me:hush@crm", "https://me:hush@crm:port"} {
		_, err := service(t, func(s *Service) {
			s.APIKey, s.SessionToken, s.SASLPassword, s.AdminToken = "hush\nhush", "hush\x00", "hush\x7f", "hush\thush"
			s.SASLMechanism, s.SASLUsername = "PLAIN", "me"
			s.BaseURL = url
		}).Parse()
		if n := len(variables(t, err)); n != 5 || strings.Contains(err.Error(), "hush") {
			t.Errorf("%d faults, want 5 without a secret: %v", n, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Service)
		want   string
	}{
		"management key":         {func(s *Service) { s.APIKey = "vibe_live_x" }, "management key"},
		"app key alone":          {func(s *Service) { s.APIKey = "vibe_app_x" }, "CRM_SESSION_TOKEN"},
		"version in the address": {func(s *Service) { s.BaseURL = "https://crm.example/api/v1/" }, "without /v1: using https://crm.example/api"},
		"password in plain text": {func(s *Service) { s.SASLMechanism, s.SASLUsername, s.SASLPassword = "plain", "a", "b" }, "readable over the network"},
		"page token short":       {func(s *Service) { s.AdminAddr, s.AdminToken = ":8081", "hush" }, "ADMIN_TOKEN is shorter than 16"},
		"token without page":     {func(s *Service) { s.AdminToken = "0123456789abcdef" }, "no ADMIN_ADDR"},
		"backoff upside down":    {func(s *Service) { s.BackoffMax = "1ms" }, "CRM_BACKOFF_MAX=1ms is shorter"},
		"batch beyond the CRM's": {func(s *Service) { s.BatchSize = "51" }, "CRM_BATCH_SIZE=51 is more than the CRM takes in one request: using 50"},
		"registry in plain text": {func(s *Service) { s.RegistryURL, s.RegistryToken = "http://a.example", "x" }, "SCHEMA_REGISTRY_URL is http://"},
		"timeout below queue":    {func(s *Service) { s.CRM.Timeout = "10s" }, "CRM_TIMEOUT=10s is shorter"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := service(t, c.change).Parse()
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], c.want) {
				t.Errorf("warnings %q, want one with %q", got.Warnings, c.want)
			}
		})
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"https://crm.example", "https://crm.example"},
		{" https://crm.example/ ", "https://crm.example"},
		{"https://crm.example/v1", "https://crm.example"},
		{"https://crm.example/v1/", "https://crm.example"},
		{"https://crm.example/proxy/v1", "https://crm.example/proxy"},
		{"https://crm.example/v12", "https://crm.example/v12"},
		{"http://[::1]:8080", "http://[::1]:8080"},
	} {
		var p parser
		if got := p.baseURL(c.text); got != c.want || len(p.faults) > 0 {
			t.Errorf("baseURL(%q) = %q, %v; want %q", c.text, got, p.faults, c.want)
		}
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"64MiB": 64 << 20, "64MB": 64_000_000, "64 mib": 64 << 20, "8388608": 8 << 20, "1.5GiB": 3 << 29, "16M": 16 << 20, "5000KB": 5_000_000, "9000000B": 9_000_000,
	} {
		var p parser
		if got := p.bytes("MAX_BUFFER", text, 4<<20); got != want || len(p.faults) > 0 {
			t.Errorf("bytes(%q) = %d, %v; want %d", text, got, p.faults, want)
		}
	}
}

func TestSim(t *testing.T) {
	t.Parallel()
	c, err := defaults[Sim](t).Parse()
	if err != nil {
		t.Fatal(err)
	}
	// The flags' defaults are texts; the simulator's own are the documented limits.
	if diff := cmp.Diff(crmtest.Defaults(), c.Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	s := defaults[Sim](t)
	s.Faults, s.PerMinute, s.Keys = "fail_before=2,nonsense", "-1", " a, ,b "
	_, err = s.Parse()
	if diff := cmp.Diff([]string{"SIM_PER_MINUTE", "SIM_FAULTS"}, variables(t, err)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// TestFaultsTellNoPassword writes a password to where none belongs: no fault and no warning repeats it.
func TestFaultsTellNoPassword(t *testing.T) {
	t.Parallel()
	const hush = "hunter2secret"
	s := defaults[Service](t)
	s.Brokers = "user:" + hush + "@kafka:9092,kafka://user:" + hush + "," + hush + ":" + hush
	s.CRM.BaseURL = "https://user:" + hush + "@crm.example"
	s.OriginField, s.SASLMechanism, s.DLTTopic = "vibe_api_"+hush, "SCRAM@"+hush, "a@"+hush
	s.HTTP.Addr, s.Log.Level, s.Timeout, s.Slots = "user:"+hush+"@:80", "https://"+hush, "whsec_"+hush, hush+"@1"
	c, err := s.Parse()
	if err == nil || strings.Contains(err.Error(), hush) || strings.Contains(strings.Join(c.Warnings, " "), hush) {
		t.Errorf("%v\n%v", err, c.Warnings)
	}
	if n := strings.Count(err.Error(), "KAFKA_BROKERS"); n != 3 {
		t.Errorf("%d faults of KAFKA_BROKERS in %v", n, err)
	}
}

// TestReadableConnections warns where others can read along, and nowhere else.
func TestReadableConnections(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Service)
		want   string // "": no warning
	}{
		"https":            {func(s *Service) { s.CRM.BaseURL = "https://crm.example" }, ""},
		"this machine":     {func(s *Service) { s.CRM.BaseURL = "http://127.0.0.1:9100" }, ""},
		"this one by name": {func(s *Service) { s.CRM.BaseURL = "http://localhost:9100/v1/" }, "without /v1"},
		"IPv6":             {func(s *Service) { s.CRM.BaseURL = "http://[::1]:9100" }, ""},
		"another":          {func(s *Service) { s.CRM.BaseURL = "http://crm.example" }, "CRM_BASE_URL is http://"},
		"alike":            {func(s *Service) { s.CRM.BaseURL = "http://127.0.0.1.example" }, "CRM_BASE_URL is http://"},
		"SCRAM":            {func(s *Service) { s.SASLMechanism, s.SASLUsername, s.SASLPassword = "SCRAM-SHA-512", "u", "p" }, "SCRAM-SHA-512 without KAFKA_TLS"},
		"PLAIN":            {func(s *Service) { s.SASLMechanism, s.SASLUsername, s.SASLPassword = "PLAIN", "u", "p" }, "PLAIN without KAFKA_TLS"},
		"SCRAM in TLS": {func(s *Service) {
			s.SASLMechanism, s.SASLUsername, s.SASLPassword, s.TLS = "SCRAM-SHA-256", "u", "p", "true"
		}, ""},
	} {
		s := defaults[Service](t)
		s.APIKey = "vibe_api_x"
		c.change(&s)
		got, err := s.Parse()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if all := strings.Join(got.Warnings, "\n"); len(got.Warnings) > 1 || !strings.Contains(all, c.want) || c.want == "" && all != "" {
			t.Errorf("%s: %q, want %q", name, all, c.want)
		}
	}
}
