{{/* The environment. Nothing secret is in it: secrets are named, and Kubernetes puts them in. */}}

{{/* MILLSTREAM_KAFKA_SASL_PASSWORD is librdkafka's `sasl.password`. */}}
{{- define "millstream.kafkaVariable" -}}
MILLSTREAM_KAFKA_{{ . | upper | replace "." "_" }}
{{- end -}}

{{/* A value as text: 1000000 is not 1e+06. */}}
{{- define "millstream.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{- printf "%.0f" . -}}{{- else -}}{{- . -}}{{- end -}}
{{- end -}}

{{/* How to reach Kafka: for pods, hooks and tests. */}}
{{- define "millstream.kafkaEnv" -}}
{{- $kafka := .Values.kafka -}}
- name: MILLSTREAM_BROKERS
  value: {{ $kafka.brokers | quote }}
{{- if or $kafka.tls.enabled $kafka.sasl.enabled }}
- name: MILLSTREAM_KAFKA_SECURITY_PROTOCOL
  value: {{ ternary (ternary "sasl_ssl" "ssl" $kafka.sasl.enabled) "sasl_plaintext" $kafka.tls.enabled }}
{{- end }}
{{- if and $kafka.tls.enabled $kafka.tls.existingSecret }}
- name: MILLSTREAM_KAFKA_SSL_CA_LOCATION
  value: /etc/millstream/kafka/ca.crt
{{- end }}
{{- if include "millstream.kafkaClientSecret" . }}
- name: MILLSTREAM_KAFKA_SSL_CERTIFICATE_LOCATION
  value: /etc/millstream/kafka/tls.crt
- name: MILLSTREAM_KAFKA_SSL_KEY_LOCATION
  value: /etc/millstream/kafka/tls.key
{{- end }}
{{- if $kafka.sasl.enabled }}
- name: MILLSTREAM_KAFKA_SASL_MECHANISMS
  value: {{ $kafka.sasl.mechanism }}
- name: MILLSTREAM_KAFKA_SASL_USERNAME
  {{- if $kafka.sasl.username }}
  value: {{ $kafka.sasl.username | quote }}
  {{- else }}
  valueFrom: {secretKeyRef: {name: {{ $kafka.sasl.existingSecret | quote }}, key: {{ $kafka.sasl.usernameKey | quote }}}}
  {{- end }}
- name: MILLSTREAM_KAFKA_SASL_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ $kafka.sasl.existingSecret | quote }}, key: {{ $kafka.sasl.passwordKey | quote }}}}
{{- end }}
{{- range $name, $value := $kafka.config }}
- name: {{ include "millstream.kafkaVariable" $name }}
  value: {{ include "millstream.text" $value | quote }}
{{- end }}
{{- end -}}

{{/* The Secret with this client's certificate. Nothing where it shows none. */}}
{{- define "millstream.kafkaClientSecret" -}}
{{- with .Values.kafka.tls -}}
{{- if and .enabled .clientCertificate -}}{{- default .existingSecret .clientSecret -}}{{- end -}}
{{- end -}}
{{- end -}}

{{/* The certificates, of one Secret or two. */}}
{{- define "millstream.kafkaVolume" -}}
{{- $tls := .Values.kafka.tls -}}
{{- $client := include "millstream.kafkaClientSecret" . -}}
{{- if and $tls.enabled (or $tls.existingSecret $client) }}
- name: kafka
  projected:
    sources:
      {{- with $tls.existingSecret }}
      - secret:
          name: {{ . | quote }}
          items:
            - {key: {{ $tls.caKey | quote }}, path: ca.crt}
      {{- end }}
      {{- with $client }}
      - secret:
          name: {{ . | quote }}
          items:
            - {key: {{ $tls.certKey | quote }}, path: tls.crt}
            - {key: {{ $tls.keyKey | quote }}, path: tls.key}
      {{- end }}
{{- end }}
{{- end -}}

{{- define "millstream.kafkaMount" -}}
{{- if include "millstream.kafkaVolume" . }}
- {name: kafka, mountPath: /etc/millstream/kafka, readOnly: true}
{{- end }}
{{- end -}}

{{/* The topology and its variables. (list $ STAGE) */}}
{{- define "millstream.topologyEnv" -}}
{{- $root := index . 0 -}}
{{- $stage := index . 1 -}}
- name: MILLSTREAM_TOPOLOGY
  value: {{ include "millstream.topologyPath" (list $root $stage.file) | quote }}
{{- range $name, $value := $root.Values.topology.env }}
- name: {{ $name }}
  value: {{ include "millstream.text" $value | quote }}
{{- end }}
{{- end -}}

{{/* Variables from Secrets. (list $ STAGE) */}}
{{- define "millstream.envFrom" -}}
{{- range (index . 0).Values.topology.existingSecrets }}
- secretRef: {name: {{ . | quote }}}
{{- end }}
{{- with (index . 1).extraEnvFrom }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "millstream.logEnv" -}}
- name: MILLSTREAM_LOG_FORMAT
  value: {{ .Values.logging.format }}
{{- with .Values.logging.level }}
- name: MILLSTREAM_LOG
  value: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* All of it, for a pod that processes. (list $ STAGE) */}}
{{- define "millstream.env" -}}
{{- $root := index . 0 -}}
{{- $stage := index . 1 -}}
{{ include "millstream.kafkaEnv" $root }}
{{ include "millstream.topologyEnv" . }}
{{ include "millstream.logEnv" $root }}
# The pod's name is the instance's: transactional ids are made of it, so that a pod that is made anew ends what the one before it left open.
- name: MILLSTREAM_INSTANCE
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- if and (eq $stage.kind "StatefulSet") $stage.staticMembership }}
- name: MILLSTREAM_STATIC_MEMBERSHIP
  value: "true"
{{- end }}
- name: MILLSTREAM_STATE_DIR
  value: /var/lib/millstream
{{- with include "millstream.stateMemory" $stage }}
- name: MILLSTREAM_STATE_MEMORY
  value: {{ . | quote }}
{{- end }}
{{- with $stage.only }}
- name: MILLSTREAM_ONLY
  value: {{ join "," . | quote }}
{{- end }}
{{- with $stage.workers }}
- name: MILLSTREAM_WORKERS
  value: {{ . | quote }}
{{- end }}
- name: MILLSTREAM_HTTP
  value: {{ printf "%s:%v" $root.Values.http.listen $root.Values.http.port | quote }}
{{- if $root.Values.http.admin }}
- name: MILLSTREAM_HTTP_ADMIN
  value: "true"
{{- end }}
{{- if $root.Values.http.samples }}
- name: MILLSTREAM_PAGE_SAMPLES
  value: "true"
{{- end }}
{{- with $root.Values.http.authSecret }}
{{- if .name }}
- name: MILLSTREAM_HTTP_AUTH
  valueFrom: {secretKeyRef: {name: {{ .name | quote }}, key: {{ .key | quote }}}}
{{- end }}
{{- end }}
{{- with $root.Values.tracing.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with $stage.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
