{{/* Pods of hooks and tests: they run before the release's own objects are there, so they have the namespace's default account, without a token. */}}

{{/* (dict "root" $ "component" NAME) */}}
{{- define "millstream.hookPodMetadata" -}}
labels:
  {{- $own := include "millstream.releaseLabels" .root | fromYaml }}
  {{- merge (dict "app.kubernetes.io/component" .component) $own .root.Values.commonLabels | toYaml | nindent 2 }}
{{- with .root.Values.hooks.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "millstream.hookPodSpec" -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "millstream.hookContainer" -}}
image: {{ include "millstream.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
resources:
  {{- toYaml .Values.hooks.resources | nindent 2 }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end -}}

{{/* A Job that does one thing with each file of the topology that stages run, one after the other: the last one is the container, those before it are init
containers. (dict "root" $ "component" check|topics "weight" N "backoffLimit" N "secrets" BOOL "kafka" BOOL) */}}
{{- define "millstream.hookJob" -}}
{{- $root := .root -}}
{{- $hook := . -}}
{{- $files := include "millstream.files" $root | fromYaml -}}
{{- $order := keys $files | sortAlpha -}}
{{- $stage := include "millstream.stage" (list $root (index $files (last $order))) | fromYaml -}}
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "millstream.metadata" (dict "root" $root "name" (printf "%s-%s" (include "millstream.fullname" $root) .component)
    "labels" (dict "app.kubernetes.io/component" .component)
    "annotations" (include "millstream.hookAnnotations" . | fromYaml)) | nindent 2 }}
spec:
  backoffLimit: {{ .backoffLimit }}
  activeDeadlineSeconds: {{ $root.Values.hooks.activeDeadlineSeconds }}
  template:
    metadata:
      {{- include "millstream.hookPodMetadata" . | nindent 6 }}
    spec:
      {{- include "millstream.hookPodSpec" $root | nindent 6 }}
      {{- with initial $order }}
      initContainers:
        {{- range $file := . }}
        {{- include "millstream.hookJobContainer" (merge (dict "file" $file "stage" (index $files $file)) $hook) | nindent 8 }}
        {{- end }}
      {{- end }}
      containers:
        {{- include "millstream.hookJobContainer" (merge (dict "file" (last $order) "stage" $stage.name) $hook) | nindent 8 }}
      {{- $volumes := include "millstream.topologyVolume" (dict "root" $root "configMap" (printf "%s-topology-hook" (include "millstream.fullname" $root))) }}
      {{- if .kafka }}{{ $volumes = print $volumes (include "millstream.kafkaVolume" $root) }}{{ end }}
      {{- with $root.Values.extraVolumes }}{{ $volumes = print $volumes "\n" (toYaml .) }}{{ end }}
      {{- with $volumes }}
      volumes:
        {{- . | trim | nindent 8 }}
      {{- end }}
{{- end -}}

{{- define "millstream.hookAnnotations" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
# One that failed stays, so that its log can be read.
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
helm.sh/hook-output-log-policy: hook-failed
{{- end -}}

{{- define "millstream.hookJobContainer" -}}
{{- $root := .root -}}
{{- $stage := include "millstream.stage" (list $root .stage) | fromYaml -}}
- name: {{ printf "%s-%s" .component .stage }}
  {{- include "millstream.hookContainer" $root | nindent 2 }}
  args:
    {{- if eq .component "check" }}
    - check
    {{- if .secrets }}
    - --strict
    {{- end }}
    - {{ include "millstream.topologyPath" (list $root $stage.file) | quote }}
    {{- else }}
    - topics
    - apply
    {{- with $root.Values.topics.partitions }}
    - --partitions={{ . }}
    {{- end }}
    {{- with $root.Values.topics.replicationFactor }}
    - --replication-factor={{ . }}
    {{- end }}
    {{- end }}
  env:
    {{- if .kafka }}
    {{- include "millstream.kafkaEnv" $root | nindent 4 }}
    {{- end }}
    {{- include "millstream.topologyEnv" (list $root $stage) | nindent 4 }}
    {{- if .secrets }}
    {{- with $stage.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with include "millstream.envFrom" (list $root $stage) }}
  envFrom:
    {{- . | trim | nindent 4 }}
    {{- end }}
    {{- end }}
  {{- $mounts := include "millstream.topologyMount" $root }}
  {{- if .kafka }}{{ $mounts = print $mounts (include "millstream.kafkaMount" $root) }}{{ end }}
  {{- with $root.Values.extraVolumeMounts }}{{ $mounts = print $mounts "\n" (toYaml .) }}{{ end }}
  {{- with $mounts }}
  volumeMounts:
    {{- . | trim | nindent 4 }}
  {{- end }}
{{- end -}}
