; The installer for Windows, by Inno Setup: ISCC /DVersion=1.2.0 resnet-desktop.iss. For one user or for all.
[Setup]
AppId=ResNetDesktop
AppName=ResNet Desktop
AppVersion={#Version}
AppPublisher=ResNet Desktop contributors
DefaultDirName={autopf}\ResNet Desktop
DefaultGroupName=ResNet Desktop
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
SourceDir=..\..\..\build\package\cpu
OutputDir=.
OutputBaseFilename=resnet-desktop-{#Version}-setup
LicenseFile=resnet-desktop\LICENSE
Compression=lzma2
SolidCompression=yes
ChangesAssociations=yes
ChangesEnvironment=yes

[Tasks]
Name: path; Description: "Add the command resnet-desktop to the path"

[Files]
Source: "resnet-desktop\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{group}\ResNet Desktop"; Filename: "{app}\ResNet Desktop.exe"

[Registry]
Root: HKA; Subkey: "Software\Classes\.onnx\OpenWithProgids"; ValueType: string; ValueName: "ResNetDesktop.Model"; ValueData: ""; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\ResNetDesktop.Model"; ValueType: string; ValueData: "Neural network (ONNX)"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\ResNetDesktop.Model\shell\open\command"; ValueType: string; ValueData: """{app}\ResNet Desktop.exe"" ""%1"""
Root: HKA; Subkey: "Environment"; ValueType: expandsz; ValueName: "Path"; ValueData: "{olddata};{app}"; Check: not IsAdminInstallMode; Tasks: path
