"""What the one PowerShell process of a run is given: a script for PowerShell 3.0 that asks and changes nothing.

It prints a block for each part as soon as that is known, so that a part that hangs takes none of the others with it.
Each block is base64 of JSON: the code page of the console can do nothing to it.

Where a policy sets the Constrained Language Mode there are neither COM objects nor [Convert]: what needs those says so
by its error, and base64 is written by hand. Cmdlets of the CIM module work there.
"""

from __future__ import annotations

BEGIN, END = "MUSTER-BEGIN", "MUSTER-END"
PARTS = ("defender", "bitlocker", "bitlocker_shell", "updates")  # in the order they are asked: the slowest comes last

# Of MSFT_MpComputerStatus; a Windows that lacks one of them answers null for it.
DEFENDER = (
    "AMServiceEnabled",
    "AntivirusEnabled",
    "RealTimeProtectionEnabled",
    "AMRunningMode",
    "AntivirusSignatureVersion",
    "AntivirusSignatureLastUpdated",
    "AntivirusSignatureAge",
    "AMProductVersion",
    "IsTamperProtected",
    "DefenderSignaturesOutOfDate",
)

SCRIPT = r"""
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
$defender = 'root/Microsoft/Windows/Defender'
$encryption = 'root/CIMV2/Security/MicrosoftVolumeEncryption'
$full = "$($ExecutionContext.SessionState.LanguageMode)" -eq 'FullLanguage'

function Moment($date) {
  if ($date -isnot [DateTime]) { return $null }
  # By numbers: the calendar of the user's culture may count other years.
  $parts = $date.Year, $date.Month, $date.Day, $date.Hour, $date.Minute, $date.Second
  '{0:d4}-{1:d2}-{2:d2}T{3:d2}:{4:d2}:{5:d2}Z' -f $parts
}

function Base64([string]$text) {
  $alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  $codes = @(foreach ($character in $text.ToCharArray()) {
    $code = [int]$character
    if ($code -lt 128) { $code } else { foreach ($escaped in ('\u{0:x4}' -f $code).ToCharArray()) { [int]$escaped } }
  })
  $quartets = for ($at = 0; $at -lt $codes.Count; $at += 3) {
    $left = $codes.Count - $at
    $number = $codes[$at] -shl 16
    if ($left -gt 1) { $number = $number -bor ($codes[$at + 1] -shl 8) }
    if ($left -gt 2) { $number = $number -bor $codes[$at + 2] }
    $quartet = '' + $alphabet[($number -shr 18) -band 63] + $alphabet[($number -shr 12) -band 63]
    if ($left -gt 1) { $quartet += $alphabet[($number -shr 6) -band 63] } else { $quartet += '=' }
    if ($left -gt 2) { $quartet += $alphabet[$number -band 63] } else { $quartet += '=' }
    $quartet
  }
  -join $quartets
}

function Say([string]$part, $ask) {
  try { $answer = & $ask } catch { $answer = @{ error = "$_" } }
  $json = ConvertTo-Json -InputObject @{ part = $part; answer = $answer } -Depth 6 -Compress
  if ($full) { $said = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($json)) } else { $said = Base64 $json }
  Write-Output "@BEGIN@ $said @END@"
}

Say 'defender' {
  $service = Get-Service -Name WinDefend -ErrorAction SilentlyContinue
  # Asked of a service that does not run, the call can hang.
  if (-not $service -or "$($service.Status)" -ne 'Running') { return $null }
  $found = Get-CimInstance -Namespace $defender -ClassName MSFT_MpComputerStatus -OperationTimeoutSec 20
  $said = @{}
  foreach ($name in '@DEFENDER@'.Split(' ')) {
    $value = $found.$name
    if ($value -is [DateTime]) { $value = Moment $value.ToUniversalTime() }
    $said[$name] = $value
  }
  $said
}

Say 'bitlocker' {
  $volumes = Get-CimInstance -Namespace $encryption -ClassName Win32_EncryptableVolume -OperationTimeoutSec 20
  $rows = @(foreach ($volume in $volumes) {
    if ($volume.DriveLetter) {
      $row = @{ drive = "$($volume.DriveLetter)" }
      $answer = Invoke-CimMethod -InputObject $volume -MethodName GetProtectionStatus
      if ($answer.ReturnValue -eq 0) { $row.protection_status = [int]$answer.ProtectionStatus }
      $answer = Invoke-CimMethod -InputObject $volume -MethodName GetConversionStatus
      if ($answer.ReturnValue -eq 0) { $row.conversion_status = [int]$answer.ConversionStatus }
      $answer = Invoke-CimMethod -InputObject $volume -MethodName GetEncryptionMethod
      if ($answer.ReturnValue -eq 0) { $row.encryption_method = [int]$answer.EncryptionMethod }
      $row
    }
  })
  , $rows
}

Say 'bitlocker_shell' {
  $shell = New-Object -ComObject Shell.Application
  $said = @{}
  foreach ($disk in @(Get-CimInstance -ClassName Win32_LogicalDisk -Filter 'DriveType=3' -OperationTimeoutSec 20)) {
    $value = $shell.NameSpace($disk.DeviceID).Self.ExtendedProperty('System.Volume.BitLockerProtection')
    if ($value -ne $null) { $said["$($disk.DeviceID)"] = [int]$value }
  }
  $said
}

Say 'updates' {
  $session = New-Object -ComObject Microsoft.Update.Session
  $session.ClientApplicationID = 'muster-agent'
  $searcher = $session.CreateUpdateSearcher()
  # What this PC knows already: never the network.
  $searcher.Online = $false
  $result = $searcher.Search("IsInstalled=0 and Type='Software'")
  $pending = @(foreach ($update in $result.Updates) {
    @{
      title = "$($update.Title)"
      kbs = @(foreach ($kb in $update.KBArticleIDs) { "$kb" })
      severity = $update.MsrcSeverity
      categories = @(foreach ($category in $update.Categories) {
        @{ id = "$($category.CategoryID)"; name = "$($category.Name)" }
      })
      update_id = "$($update.Identity.UpdateID)"
      revision = [int]$update.Identity.RevisionNumber
    }
  })
  $history = @()
  $count = [int]$searcher.GetTotalHistoryCount()
  if ($count -gt 50) { $count = 50 }
  if ($count -gt 0) {
    $history = @(foreach ($entry in $searcher.QueryHistory(0, $count)) {
      @{
        date = Moment $entry.Date
        title = "$($entry.Title)"
        operation = [int]$entry.Operation
        result_code = [int]$entry.ResultCode
        update_id = "$($entry.UpdateIdentity.UpdateID)"
      }
    })
  }
  $last = (New-Object -ComObject Microsoft.Update.AutoUpdate).Results
  @{
    result_code = [int]$result.ResultCode
    last_search = Moment $last.LastSearchSuccessDate
    last_install = Moment $last.LastInstallationSuccessDate
    pending = $pending
    history = $history
  }
}
"""


def script() -> str:
    """The whole script."""
    return (
        SCRIPT.strip().replace("@BEGIN@", BEGIN).replace("@END@", END).replace("@DEFENDER@", " ".join(DEFENDER)) + "\n"
    )
